"""What the headless API takes beyond its documents: times, properties, enforced consent."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from activities.models import Activity, RejectedActivity
from tests.factories import make_channel, make_consent
from tests.wire.app import CLICK, App

pytestmark = pytest.mark.django_db


# Marks of tests


def test_activity_that_is_marked_as_a_test_is_recorded_and_in_the_inspector():
    app = App()

    results = app.log({**CLICK, "testCode": "my-first"}, CLICK)

    line = RejectedActivity.objects.get()
    assert results == [{"status": 202}] * 2
    assert (line.status, line.test_code, line.channel) == ("valid", "my-first", app.channel)
    assert Activity.objects.count() == 2


@pytest.mark.parametrize("mark", [None, 7, True, {}, [], ""])
def test_mark_that_is_no_text_marks_nothing(mark):
    assert App().log({**CLICK, "testCode": mark}) == [{"status": 202}]
    assert not RejectedActivity.objects.exists()


def test_mark_is_cut_and_needs_no_nul():
    App().log({**CLICK, "TESTCODE": "a\0" + "b" * 500})

    assert RejectedActivity.objects.get().test_code == "a " + "b" * 98


# Times


@pytest.mark.parametrize(
    ("timestamp", "happened_at"),
    [
        ("2026-05-04T10:30:00Z", datetime(2026, 5, 4, 10, 30, tzinfo=UTC)),
        ("2026-05-04T10:30:00.123456Z", datetime(2026, 5, 4, 10, 30, 0, 123456, tzinfo=UTC)),
        ("2026-05-04T10:30:00", datetime(2026, 5, 4, 10, 30, tzinfo=UTC)),
        ("2026-05-04T10:30:00+05:30", datetime(2026, 5, 4, 5, 0, tzinfo=UTC)),
        ("2026-05-04T10:30:00-23:59", datetime(2026, 5, 5, 10, 29, tzinfo=UTC)),
        ("2026-05-04T10:30:00+23:59", datetime(2026, 5, 3, 10, 31, tzinfo=UTC)),
        (
            "2026-05-04T10:30:00+01:00:00.000001",
            datetime(2026, 5, 4, 9, 29, 59, 999999, tzinfo=UTC),
        ),
        ("1971-01-01T00:00:00Z", datetime(1971, 1, 1, tzinfo=UTC)),
    ],
)
def test_timestamp_is_when_it_happened(timestamp, happened_at):
    app = App()

    results = app.log({**CLICK, "timestamp": timestamp})

    activity = Activity.objects.get()
    assert results == [{"status": 202}]
    assert activity.occurred_at == happened_at
    assert activity.properties is None
    assert timezone.now() - activity.recorded_at < timedelta(seconds=10)


def test_timestamp_a_little_ahead_is_believed():
    app = App()
    ahead = timezone.now() + timedelta(hours=23)

    app.log({**CLICK, "timestamp": ahead.isoformat()})

    assert Activity.objects.get().occurred_at == ahead


@pytest.mark.parametrize(
    "timestamp",
    [
        "1970-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        pytest.param((timezone.now() + timedelta(days=2)).isoformat(), id="in two days"),
    ],
)
def test_timestamp_that_cannot_be_true_gives_way_to_the_time_of_receipt(timestamp):
    app = App()

    results = app.log({**CLICK, "timestamp": timestamp, "properties": {"size": "L"}})

    activity = Activity.objects.get()
    assert results == [{"status": 202}]
    assert activity.occurred_at == activity.recorded_at
    assert activity.properties == {"size": "L", "original_timestamp": timestamp}


@pytest.mark.parametrize(
    "timestamp",
    ["", "yesterday", "2026-13-01T00:00:00Z", "1969-05-04\x0010:30:00Z", 1777890600, True, {}],
)
def test_timestamp_must_be_iso_8601(timestamp):
    app = App()

    (result,) = app.log({**CLICK, "timestamp": timestamp})

    assert result["status"] == 400
    assert result["error"]["code"] == "bad_timestamp"
    assert result["error"]["field"] == "timestamp"
    assert not Activity.objects.exists()


def test_timestamp_of_null_is_the_time_of_receipt():
    app = App()

    results = app.log({**CLICK, "timestamp": None})

    activity = Activity.objects.get()
    assert results == [{"status": 202}]
    assert activity.occurred_at == activity.recorded_at


# Properties


def test_properties_are_kept_as_they_were_sent():
    app = App()
    properties = {
        "Color": "röd 👩‍👧",
        "size": 4.5,
        "count": 12345678901234567890,
        "tags": ["a", None, True],
        "nested": {"escaped": "a\\u0000b", "": {}},
    }

    results = app.log({**CLICK, "properties": properties})

    assert results == [{"status": 202}]
    assert Activity.objects.get().properties == properties


@pytest.mark.parametrize("properties", [None, {}])
def test_no_properties_are_stored_as_none(properties):
    app = App()

    app.log({**CLICK, "properties": properties})

    assert Activity.objects.get().properties is None


@pytest.mark.parametrize("properties", ["{}", [], 5, True, ""])
def test_properties_must_be_an_object(properties):
    app = App()

    (result,) = app.log({**CLICK, "properties": properties})

    assert result["status"] == 400
    assert (result["error"]["code"], result["error"]["field"]) == ("wrong_type", "properties")


@pytest.mark.parametrize(
    "properties",
    [{"a": "x\0y"}, {"a\0": 1}, {"a": [{"b": "\\\0"}]}],
    ids=["in-a-value", "in-a-name", "after-a-backslash"],
)
def test_properties_may_not_contain_nul(properties):
    app = App()

    (result,) = app.log({**CLICK, "properties": properties})

    assert result["status"] == 400
    assert (result["error"]["code"], result["error"]["field"]) == ("bad_text", "properties")


def test_properties_may_be_nested_50_levels_deep():
    app = App()
    deepest = {"leaf": [[]]}
    for _ in range(47):
        deepest = {"a": deepest}

    results = app.log(
        {**CLICK, "properties": deepest}, {**CLICK, "properties": {"one more": deepest}}
    )

    assert [result["status"] for result in results] == [202, 400]
    assert (results[1]["error"]["code"], results[1]["error"]["field"]) == ("too_deep", "properties")
    assert Activity.objects.get().properties == deepest


# A channel that enforces its tracking consent


@pytest.fixture
def enforcing_app():
    consent = make_consent()
    return App(make_channel(tracking_consent=consent, enforce_consent=True))


def test_enforcing_channel_refuses_activities_without_agreement(enforcing_app):
    results = enforcing_app.log(CLICK, {"type": "nonsense"})

    assert [(result["status"], result["error"]["code"]) for result in results] == [
        (403, "consent"),
        (403, "consent"),
    ]
    assert "field" not in results[0]["error"]
    assert not Activity.objects.exists()
    assert set(RejectedActivity.objects.values_list("code", flat=True)) == {"consent"}


def test_enforcing_channel_follows_the_last_answer(enforcing_app):
    guid = enforcing_app.create_contact()
    path = f"/contacts/{guid}/consents/TrackingConsent"

    statuses = []
    for agree in (True, False, True):
        enforcing_app.post(path, {"agree": agree})
        statuses += [result["status"] for result in enforcing_app.log(CLICK, contact=guid)]

    assert statuses == [202, 403, 202]
    assert Activity.objects.count() == 2


def test_channel_that_does_not_enforce_leaves_consent_to_the_application():
    app = App(make_channel(tracking_consent=make_consent()))
    guid = app.create_contact()
    app.post(f"/contacts/{guid}/consents/TrackingConsent", {"agree": False})

    results = app.log(CLICK, contact=guid)

    assert results == [{"status": 202}]
