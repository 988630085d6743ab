"""What an application sends twice counts once: ids of activities, and keys of requests."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from activities.models import Activity, DataInput
from contacts.models import Contact
from tests.factories import make_channel
from tests.wire.app import CLICK, App, assert_problem
from tracking.models import ContactCreation

pytestmark = pytest.mark.django_db


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
