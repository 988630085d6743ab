"""Batches of Commanders Act-format events with much, or something odd, in them."""

import pytest
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from activities import recording
from activities.models import Activity, RejectedActivity
from activities.problems import Status
from activities.quality import quality_of
from contacts.models import Contact
from tests.wire.source import event

pytestmark = pytest.mark.django_db

DEEP = b"[" * 10_000 + b"]" * 10_000


def browser(name):
    return {"consistent_anonymous_id": f"browser of {name}"}


def codes():
    return list(RejectedActivity.objects.order_by("id").values_list("code", flat=True))


def test_queries_do_not_grow_with_what_is_refused(source):
    counts = []
    for events in ([5], [5] * 300):
        with CaptureQueriesContext(connection) as queries:
            source.post_batch(*events)
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert RejectedActivity.objects.filter(code="no_event").count() == 301


def test_queries_do_not_grow_with_what_the_same_people_did(source):
    source.send(event())
    counts = []
    for number in (1, 50):
        people = [event(user={"consistent_anonymous_id": f"{number}-{one}"}) for one in "ab"]
        with CaptureQueriesContext(connection) as queries:
            source.post_batch(*people * number)
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert Activity.objects.count() == 103


def test_recording_takes_the_same_queries_for_one_and_for_many_people(source):
    source.send(event())
    counts = []
    for number in (1, 30):
        people = [event(user=browser(one)) for one in range(number)]
        source.post_batch(*people)
        with CaptureQueriesContext(connection) as queries:
            source.post_batch(*people)
        counts.append(sum("activities_" in query["sql"] for query in queries))

    assert counts[0] == counts[1]
    assert Activity.objects.count() == 63


def test_name_that_several_people_use_first_is_new_only_once(source, settings):
    settings.NEW_ACTIVITY_TYPES_PER_HOUR = 1

    source.post_batch(*[event("wish_list", user=browser(one)) for one in ("ada", "bob", "cid")])

    assert Activity.objects.filter(type__code_name="wish_list").count() == 3
    assert codes() == []


def test_people_with_very_many_events_are_written_in_parts(source, monkeypatch):
    monkeypatch.setattr(recording, "_PART", 4)
    numbers = {"ada": 3, "bob": 9, "cid": 2, "dan": 1, "eve": 4}
    people = [event(user=browser(one)) for one, number in numbers.items() for _ in range(number)]

    source.post_batch(*people)

    counted = Activity.objects.values("contact").annotate(number=Count("pk")).order_by("contact")
    assert [row["number"] for row in counted] == list(numbers.values())
    assert Activity.objects.values("recorded_in").distinct().count() == 1


def test_browser_is_of_whoever_used_it_last(source):
    people = [event(user={"id": user_id}) for user_id in ("ada", "bob", "ada")]

    source.post_batch(*people)

    ada, bob = Contact.objects.order_by("id")
    assert [one.contact for one in Activity.objects.order_by("id")] == [ada, ada, bob]
    assert ada.identifiers.filter(value="browser-1").exists()


def test_of_very_many_refused_events_some_are_kept_one_by_one_and_all_count(source, settings):
    settings.REJECTED_KEPT_PER_REQUEST = 3

    response = source.post_batch(*[{"user": {"id": "7"}}] * 10, event())

    assert response.status_code == 200
    assert Activity.objects.count() == 1
    assert codes() == ["missing_event_name"] * 3 + ["more_rejections"]
    last = RejectedActivity.objects.latest("id")
    assert last.reason == "7 more activities of this request are not kept here."
    assert (last.channel, bytes(last.payload)) == (source.channel, b"")
    (quality,) = quality_of([source.channel.pk], last.at).values()
    assert quality.counts == {Status.INVALID_REJECTED: 10, Status.VALID: 1}


@pytest.mark.parametrize("path", ["/events/batch", "/cdp/events/batch"])
def test_event_that_is_too_deep_costs_no_other_one(source, path):
    fine = b'{"event_name": "a [\\"] b", "user": {"id": "7"}, "items": [[{}]]}'
    deep = b'{"event_name": "deep", "user": {"id": "7"}, "a": %s}' % DEEP
    body = b'{"c": [{"d": "}"}], "batch": [%s, 5, %s, %s, %s]}' % (fine, deep, DEEP, fine)

    response = source.post(body, path)

    assert response.status_code == 200
    names = Activity.objects.values_list("type__code_name", flat=True)
    assert list(names) == ['a ["] b'] * 2
    assert codes() == ["no_event", "undecodable_event", "undecodable_event"]
    assert bytes(RejectedActivity.objects.order_by("id")[1].payload) == deep


def test_batch_that_is_too_deep_and_broken_is_400(source):
    response = source.post(b'{"batch": [%s, }' % DEEP, "/events/batch")

    assert response.status_code == 400
    assert codes() == ["malformed_json"]
