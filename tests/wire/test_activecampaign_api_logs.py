"""What contacts did, as the API shows it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from activities.erasing import erase_contact
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge
from tests.factories import make_activity, make_activity_type, make_channel, make_contact
from tests.wire.activecampaign import EMAIL, Account
from tests.wire.activecampaign_api import ApiClient, assert_message

pytestmark = pytest.mark.django_db

MOMENT = datetime(2023, 3, 1, 21, 36, 3, 999, tzinfo=UTC)
LINK = "http://testserver/api/3"
# What an API key costs: the key, and once a minute the note of its use.
QUERIES_OF_THE_KEY = 2


@pytest.fixture
def api():
    return ApiClient()


@pytest.fixture
def contact():
    return make_contact(email="ann@example.com")


def make_events(contact, channel, count=1, **fields):
    """This many events of a contact, one a minute."""
    event_type = make_activity_type("file download request")
    return [
        make_activity(
            contact,
            channel=channel,
            type=event_type,
            **{"value": f"{number}.pdf", "occurred_at": MOMENT + number * timedelta(minutes=1)},
            **fields,
        )
        for number in range(count)
    ]


def log_of(activity):
    return {
        "subscriberid": str(activity.contact_id),
        "type": "file download request",
        "value": activity.value,
        "tstamp": "2023-03-01T21:36:03+00:00",
        "links": {"contact": f"{LINK}/trackingLogs/{activity.pk}/contact"},
        "id": str(activity.pk),
        "contact": str(activity.contact_id),
    }


def without_hash(log):
    assert re.fullmatch("[0-9a-f]{40}", log["hash"])
    return {name: value for name, value in log.items() if name != "hash"}


# One contact's events


def test_events_of_a_contact_are_as_documented(api, contact):
    (activity,) = make_events(contact, api.channel)

    response = api.get(f"/contacts/{contact.pk}/trackingLogs")

    assert response.status_code == 200
    assert list(response.json()) == ["trackingLogs"]
    (log,) = response.json()["trackingLogs"]
    assert without_hash(log) == log_of(activity)


def test_event_that_was_just_logged_is_there(api):
    activity = Account(api.channel).send(eventdata="https://www.example.com/file.pdf")

    response = api.get(f"/contacts/{activity.contact_id}/trackingLogs/")

    (log,) = response.json()["trackingLogs"]
    assert (log["type"], log["value"]) == (
        "file download request",
        "https://www.example.com/file.pdf",
    )


def test_page_visits_are_events_by_the_name_that_the_format_has_for_them(api):
    contact = make_contact(email=EMAIL)
    http = Account(api.channel).http
    actid, page = api.channel.account_id, "https://www.example.com/" + "x" * 300
    http.get("/visit", {"actid": actid, "e": EMAIL, "u": page})

    response = api.get(f"/contacts/{contact.pk}/trackingLogs")

    (log,) = response.json()["trackingLogs"]
    assert (log["type"], log["value"]) == ("__pagevisit", page[:250])


def test_name_that_the_hub_has_for_itself_is_shown_as_it_was_sent(api):
    activity = Account(api.channel).send(event="click")

    response = api.get(f"/contacts/{activity.contact_id}/trackingLogs")

    assert response.json()["trackingLogs"][0]["type"] == "click"


def test_times_are_in_the_time_zone_of_the_hub(api, contact):
    make_events(contact, api.channel)
    with timezone.override("America/Chicago"):
        response = api.get(f"/contacts/{contact.pk}/trackingLogs")

    assert response.json()["trackingLogs"][0]["tstamp"] == "2023-03-01T15:36:03-06:00"


def test_key_sees_the_events_of_its_channel_only(api, contact):
    make_events(contact, make_channel())

    assert api.get(f"/contacts/{contact.pk}/trackingLogs").json() == {"trackingLogs": []}
    assert api.get(f"/activities?contact={contact.pk}").json()["meta"] == {"total": "0"}


def test_events_come_in_pages_the_oldest_first(api, contact):
    events = make_events(contact, api.channel, count=22)
    make_activity(channel=api.channel)

    def ids(query):
        logs = api.get(f"/contacts/{contact.pk}/trackingLogs?{query}").json()["trackingLogs"]
        return [int(log["id"]) for log in logs]

    keys = [activity.pk for activity in events]
    assert ids("") == keys[:20]
    assert ids("limit=2&offset=20") == keys[20:]


def test_merged_contact_leads_to_the_events_of_the_survivor(api, contact):
    loser = make_contact()
    (activity,) = make_events(loser, api.channel)
    merge = request_merge(survivor=contact, loser=loser, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])

    for path in (f"/contacts/{loser.pk}/trackingLogs", f"/activities?contact={loser.pk}"):
        (log,) = api.get(path).json()["trackingLogs"]
        assert (log["id"], log["contact"]) == (str(activity.pk), str(contact.pk))


@pytest.mark.parametrize("given", ["100", "0", "abc", "-1", "1.0", "%00", "9" * 19, "9" * 5000])
def test_contact_who_is_not_there_has_no_events(api, given):
    shown = "\0" if given == "%00" else given[:100]
    message = f"No Result found for Subscriber with id {shown}"

    assert_message(api.get(f"/contacts/{given}/trackingLogs"), 404, message)
    assert_message(api.get(f"/activities?contact={given}"), 404, message)


# The contact of an event


def test_event_leads_to_its_contact(api, contact):
    (activity,) = make_events(contact, api.channel)

    response = api.get(f"/trackingLogs/{activity.pk}/contact")

    assert response.status_code == 200
    assert list(response.json()) == ["contact"]
    assert response.json()["contact"] == api.get(f"/contacts/{contact.pk}").json()["contact"]


@pytest.mark.parametrize("given", ["1", "abc", "9" * 30])
def test_event_that_is_not_there_has_no_contact(api, given):
    message = f"No Result found for TrackingLog with id {given}"

    assert_message(api.get(f"/trackingLogs/{given}/contact"), 404, message)


def test_event_of_another_channel_is_not_shown(api):
    (activity,) = make_events(make_contact(), make_channel())

    assert api.get(f"/trackingLogs/{activity.pk}/contact").status_code == 404


# Activities


def test_activities_of_a_contact_are_as_documented(api, contact):
    (activity,) = make_events(contact, api.channel)

    response = api.get(f"/activities?contact={contact.pk}")

    assert response.status_code == 200
    answer = response.json()
    assert [without_hash(log) for log in answer["trackingLogs"]] == [log_of(activity)]
    link = f"{LINK}/activities/{activity.pk}"
    assert answer["activities"] == [
        {
            "tstamp": "2023-03-01T21:36:03+00:00",
            "subscriberid": str(contact.pk),
            "reference_type": "TrackingLog",
            "reference_id": str(activity.pk),
            "reference_action": "file download request",
            "jsonData": None,
            "userid": "0",
            "permission": "",
            "referenceModelName": "tracking-log",
            "reference": {"type": "tracking-log", "id": str(activity.pk)},
            "links": {
                "user": f"{link}/user",
                "recipients": f"{link}/recipients",
                "reference": f"{link}/reference",
                "notes": f"{link}/notes",
            },
            "id": str(activity.pk),
            "user": None,
        }
    ]
    assert answer["meta"] == {"total": "1"}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [0, 1, 2]),
        ("limit=1&offset=1", [1]),
        ("orders[tstamp]=DESC", [2, 1, 0]),
        ("orders[tstamp]=asc&limit=2", [0, 1]),
        ("after=2023-03-01T21:36:30%2B00:00", [1, 2]),
        ("after=2023-03-01T22:36:30+01:00", [1, 2]),
        ("after=2023-03-01%2021:37:30", [2]),
        ("after=2023-03-02", []),
        ("after=", [0, 1, 2]),
    ],
)
def test_activities_are_filtered_sorted_and_paged(api, contact, query, numbers):
    events = make_events(contact, api.channel, count=3)

    answer = api.get(f"/activities?contact={contact.pk}&{query}").json()

    expected = [str(events[number].pk) for number in numbers]
    assert [one["id"] for one in answer["activities"]] == expected
    assert [one["id"] for one in answer["trackingLogs"]] == expected


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Name a contact: ?contact=157"),
        ("contact=", "Name a contact: ?contact=157"),
        (
            "contact={}&after=soon",
            "after must be a time of ISO 8601, such as 2026-05-04T10:30:00+02:00.",
        ),
        (
            "contact={}&after=0001-01-01T00:00:00%2B14:00",
            "after must be a time of ISO 8601, such as 2026-05-04T10:30:00+02:00.",
        ),
        ("contact={}&orders[tstamp]=up", "orders[tstamp] must be ASC or DESC."),
    ],
)
def test_question_that_cannot_be_understood_is_told_so(api, contact, query, message):
    assert_message(api.get(f"/activities?{query.format(contact.pk)}"), 400, message)


# What it costs


@pytest.mark.parametrize(
    ("path", "queries"),
    [("/contacts/{}/trackingLogs?limit=100", 2), ("/activities?contact={}&limit=100", 3)],
)
def test_events_cost_the_same_number_of_queries_however_many_they_are(
    api, contact, path, queries, django_assert_num_queries
):
    make_events(contact, api.channel, count=30)

    with django_assert_num_queries(QUERIES_OF_THE_KEY + queries):
        response = api.get(path.format(contact.pk))

    assert len(response.json()["trackingLogs"]) == 30


def test_erased_contact_has_no_events(api, contact):
    (activity,) = make_events(contact, api.channel)

    erase_contact(contact.pk)

    assert api.get(f"/contacts/{contact.pk}/trackingLogs").status_code == 404
    assert api.get(f"/trackingLogs/{activity.pk}/contact").status_code == 404
