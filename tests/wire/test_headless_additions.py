"""What the headless API takes beyond its documents: ids, times, properties, enforced consent."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from activities.models import Activity, DataInput, RejectedActivity
from contacts.models import Contact
from tests.factories import make_channel, make_consent
from tests.wire.app import App, assert_problem
from tracking.models import ContactCreation

pytestmark = pytest.mark.django_db

CLICK = {"type": "click", "value": "Buy"}


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


# Ids


def test_activity_sent_again_with_its_id_is_stored_once():
    app = App()
    guid = app.create_contact()
    activity = {**CLICK, "id": str(uuid4())}

    first = app.log(activity, contact=guid)
    again = app.log(activity, contact=guid)

    assert first == again == [{"status": 202}]
    assert Activity.objects.get().client_id == UUID(activity["id"])


def test_activity_twice_in_one_request_is_stored_once():
    app = App()
    activity = {**CLICK, "id": str(uuid4())}

    results = app.log(activity, {**activity, "id": activity["id"].upper()}, CLICK)

    assert results == [{"status": 202}] * 3
    assert list(Activity.objects.order_by("pk").values_list("client_id", flat=True)) == [
        UUID(activity["id"]),
        None,
    ]


def test_repeat_beside_something_new_stores_only_that():
    app = App()
    sent, new = {**CLICK, "id": str(uuid4())}, {**CLICK, "id": str(uuid4()), "value": "Sell"}
    app.log(sent)

    results = app.log(new, sent)

    assert results == [{"status": 202}] * 2
    assert list(Activity.objects.order_by("pk").values_list("value", flat=True)) == ["Buy", "Sell"]


def test_activity_id_belongs_to_its_channel():
    website, mobile_app = App(), App()
    activity = {**CLICK, "id": str(uuid4())}

    website.log(activity)
    mobile_app.log(activity)

    assert set(Activity.objects.values_list("channel", flat=True)) == {
        website.channel.pk,
        mobile_app.channel.pk,
    }


def test_refused_activity_can_be_put_right_under_its_id():
    app = App()
    activity_id = str(uuid4())
    (refused,) = app.log({"type": "click", "id": activity_id})

    results = app.log({**CLICK, "id": activity_id})

    assert refused["status"] == 400
    assert results == [{"status": 202}]
    assert Activity.objects.get().client_id == UUID(activity_id)


def test_repeated_data_input_is_applied_once():
    app = App()
    data_input = {
        "type": "datainput",
        "value": "Form",
        "id": str(uuid4()),
        "contactFields": {"ContactCity": "Oslo"},
    }
    guid = app.create_contact()

    app.log(data_input, contact=guid)
    app.log(data_input, contact=guid)

    assert DataInput.objects.get().fields == {"city": "Oslo"}


@pytest.mark.parametrize(
    "activity_id",
    [
        "",
        "5",
        5,
        ["x"],
        "00000000-0000-0000-0000-000000000000",
        "06b035b866584a1bb1de5994e4975fb1",
        "{06b035b8-6658-4a1b-b1de-5994e497}",
        "06b035b8-6658-4a1b-b1de-5994e4975fbz",
        "06b0_35b86658_4a1bb1de_5994e4975fb-1",
        "06b035b86658-4a1b-b1de-5994-e4975fb1",
        "06b035b8-6658-4a1b-b1de-5994e4975fb\u0661",
    ],
)
def test_activity_id_must_be_a_uuid(activity_id):
    app = App()

    (result,) = app.log({**CLICK, "id": activity_id})

    assert result["status"] == 400
    assert (result["error"]["code"], result["error"]["field"]) == ("bad_id", "id")
    assert not Activity.objects.exists()


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


# Idempotency-Key


def test_same_idempotency_key_returns_the_same_contact():
    app = App()
    headers = {"Idempotency-Key": "install-42 ü"}

    first = app.post("/contacts", headers=headers)
    again = app.post("/contacts", headers=headers)

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json() == {"contact": str(Contact.objects.get().guid)}


def test_idempotency_key_belongs_to_its_api_key():
    channel = make_channel()
    phone, tablet = App(channel), App(channel)
    headers = {"Idempotency-Key": "install-42"}

    contacts = {app.post("/contacts", headers=headers).json()["contact"] for app in (phone, tablet)}

    assert len(contacts) == Contact.objects.count() == 2


def test_idempotency_key_counts_for_a_day():
    app = App()
    headers = {"Idempotency-Key": "install-42"}
    first = app.post("/contacts", headers=headers).json()
    ContactCreation.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))

    next_day = app.post("/contacts", headers=headers).json()
    again = app.post("/contacts", headers=headers).json()

    assert first != next_day == again
    assert Contact.objects.count() == 2


def test_empty_idempotency_key_is_none():
    app = App()

    for _ in range(2):
        app.post("/contacts", headers={"Idempotency-Key": ""})

    assert Contact.objects.count() == 2


def test_idempotency_key_of_255_characters_is_accepted():
    app = App()

    response = app.post("/contacts", headers={"Idempotency-Key": "k" * 255})

    assert response.status_code == 200


@pytest.mark.parametrize("idempotency_key", ["k" * 256, "a\0b"])
def test_bad_idempotency_key_is_refused(idempotency_key):
    app = App()

    response = app.post("/contacts", headers={"Idempotency-Key": idempotency_key})

    assert_problem(response, 400, "bad_idempotency_key", "Idempotency-Key")
    assert not Contact.objects.exists()


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


@pytest.mark.parametrize("activities", [[CLICK], [CLICK, CLICK, {"type": "nothing"}, 5, CLICK]])
def test_repeated_activities_with_a_key_count_once_and_are_answered_alike(activities):
    app = App()
    message = app.message(*activities)
    headers = {"Idempotency-Key": "request 1"}

    first, again = (app.post("/activities", message, headers=headers) for _ in range(2))

    assert first.json() == again.json()
    assert Activity.objects.count() == activities.count(CLICK)


def test_key_of_activities_belongs_to_its_api_key():
    app = App()
    other = App(app.channel)
    contact = app.create_contact()
    for one in (app, other):
        one.post(
            "/activities",
            one.message(CLICK, contact=contact),
            headers={"Idempotency-Key": "request 1"},
        )

    assert Activity.objects.count() == 2


def test_other_keys_and_none_are_other_requests():
    app = App()
    message = app.message(CLICK)
    for headers in ({}, {}, {"Idempotency-Key": ""}, {"Idempotency-Key": "a"}):
        app.post("/activities", message, headers=headers)

    assert Activity.objects.count() == 4


def test_activity_keeps_its_own_id_whatever_the_key():
    app, own = App(), str(uuid4())
    message = app.message({**CLICK, "id": own}, {**CLICK, "id": "none"})
    for key in ("a", "b"):
        answer = app.post("/activities", message, headers={"Idempotency-Key": key})

    assert [result["status"] for result in answer.json()["results"]] == [202, 400]
    assert str(Activity.objects.get().client_id) == own


def test_too_long_a_key_of_activities_is_refused():
    app = App()

    refused = app.post("/activities", app.message(CLICK), headers={"Idempotency-Key": "x" * 256})

    assert (refused.status_code, refused.json()["code"]) == (400, "bad_idempotency_key")
    assert not Activity.objects.exists()
