"""Batches of Commanders Act-format events with much, or something odd, in them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities.models import Activity, RejectedActivity
from activities.problems import Status
from activities.quality import quality_of
from contacts.models import Contact
from tests.wire.source import EventSource, event

pytestmark = pytest.mark.django_db

DEEP = b"[" * 10_000 + b"]" * 10_000


@pytest.fixture
def source():
    return EventSource()


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
