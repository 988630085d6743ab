"""Rules for properties, as the applications see them that break them."""

import json

import pytest

from activities.models import Activity, ActivityType, RejectedActivity
from tests.factories import make_activity_type, make_contact, make_rule
from tests.wire.activecampaign import Account
from tests.wire.app import App
from tests.wire.source import BROWSER, EventSource, event

pytestmark = pytest.mark.django_db

MISSING, WRONG, UNSPECIFIED = {}, {"amount": "5", "months": 36}, {"months": 36, "colour": "red"}
CASES = [
    pytest.param("on_missing", "accept", MISSING, {}, id="missing-accept"),
    pytest.param("on_missing", "reject", MISSING, None, id="missing-reject"),
    pytest.param("on_wrong", "accept", WRONG, WRONG, id="wrong-accept"),
    pytest.param("on_wrong", "leave_out", WRONG, {"months": 36}, id="wrong-leave-out"),
    pytest.param("on_wrong", "reject", WRONG, None, id="wrong-reject"),
    pytest.param("on_unspecified", "leave_out", UNSPECIFIED, {"months": 36}, id="extra-leave-out"),
    pytest.param("on_unspecified", "reject", UNSPECIFIED, None, id="extra-reject"),
]
CODES = {
    "on_missing": ("missing_property", "months"),
    "on_wrong": ("wrong_property", "amount"),
    "on_unspecified": ("unspecified_property", "colour"),
}


def make_specified_type(code_name, **actions):
    activity_type = make_activity_type(code_name, **actions)
    make_rule(activity_type, "amount", kind="number")
    make_rule(activity_type, "months", kind="number", required=True)
    return activity_type


def the_remark():
    row = RejectedActivity.objects.get()
    return row.status, row.code, row.field


def expected_remark(name, stored):
    return "invalid_rejected" if stored is None else "invalid_accepted", *CODES[name]


@pytest.mark.parametrize(("name", "action", "properties", "stored"), CASES)
def test_headless_answers_what_the_rules_say(name, action, properties, stored):
    make_specified_type("loan", **{name: action})

    good, result = App().log(
        {"type": "loan", "properties": {"months": 12}}, {"type": "LOAN", "properties": properties}
    )

    code, field = CODES[name]
    assert good == {"status": 202}
    if stored is None:
        assert result["status"] == 400
        assert (result["error"]["code"], result["error"]["field"]) == (code, field)
        assert result["error"]["detail"] == RejectedActivity.objects.get().reason
    else:
        assert result == {"status": 202}
    kept = [] if stored is None else [stored or None]
    recorded = Activity.objects.order_by("pk").values_list("properties", flat=True)
    assert list(recorded) == [{"months": 12}, *kept]
    assert the_remark() == expected_remark(name, stored)


@pytest.mark.parametrize(("name", "action", "properties", "stored"), CASES)
def test_commandersact_answers_200_and_the_inspector_has_the_status(
    name, action, properties, stored
):
    make_specified_type("loan", **{name: action})
    source = EventSource()

    response = source.post_batch(event("loan", months=12), event("loan", **properties))

    assert response.status_code == 200
    frame = {"user": {"consistent_anonymous_id": "browser-1"}}
    kept = [] if stored is None else [stored | frame]
    recorded = Activity.objects.order_by("pk").values_list("properties", flat=True)
    assert list(recorded) == [{"months": 12, **frame}, *kept]
    assert the_remark() == expected_remark(name, stored)
    assert json.loads(bytes(RejectedActivity.objects.get().payload)) == event("loan", **properties)


def test_a_picture_can_only_send_texts():
    make_specified_type("loan", on_wrong="reject")
    source = EventSource()
    query = {**source.credentials, "event_name": "loan", "user[id]": "7"}

    for amount in ("5.50", "five"):
        response = source.http.get(
            "/events", query | {"amount": amount, "months": "36"}, headers=BROWSER
        )
        assert response.status_code == 200

    assert Activity.objects.get().properties["amount"] == "5.50"
    assert the_remark() == ("invalid_rejected", "wrong_property", "amount")


def test_rules_see_what_became_a_contact_field():
    activity_type = make_activity_type("loan", on_missing="reject", on_wrong="reject")
    make_rule(activity_type, "user.email", required=True, format=".+@example[.]com")
    source = EventSource()

    source.post_batch(
        event("loan", user={"id": "1"}),
        event("loan", user={"id": "2", "email": "ada@elsewhere.org"}),
        event("loan", user={"id": "3", "email": "ada@example.com"}),
    )

    assert Activity.objects.get().properties == {
        "user": {"consistent_anonymous_id": "browser-1", "id": "3"}
    }
    codes = RejectedActivity.objects.order_by("pk").values_list("code", flat=True)
    assert list(codes) == ["missing_property", "wrong_property"]


@pytest.mark.parametrize("user", ["text", [], None, {}])
def test_rules_take_a_user_that_is_no_object(user):
    activity_type = make_activity_type("loan", on_wrong="reject")
    make_rule(activity_type, "user.email")
    make_rule(activity_type, "user.phone", required=True)
    members = event("loan") | {"user": user}

    response = EventSource().post(members, headers=BROWSER)

    assert response.status_code == 200
    assert Activity.objects.get().properties == ({"user": user} if user != {} else None)


def test_event_data_is_a_property_to_the_rules():
    activity_type = make_activity_type("loan", on_wrong="reject", on_unspecified="reject")
    make_rule(activity_type, "eventdata", kind="number", required=True)
    account = Account()

    good = account.send(event="loan", eventdata="5.50")
    for eventdata in ("a lot", "9" * 300, None):
        account.post(account.form(event="loan", eventdata=eventdata))

    assert (good.value, good.properties) == ("5.50", None)
    rows = RejectedActivity.objects.order_by("pk").values_list("status", "code", "field")
    assert list(rows) == [
        ("invalid_rejected", "wrong_property", "eventdata"),
        ("invalid_accepted", "missing_property", "eventdata"),
    ]


@pytest.mark.parametrize("eventdata", ["a lot", "x" * 300])
def test_event_data_that_is_left_out_stays_the_value(eventdata):
    make_rule(make_activity_type("loan", on_wrong="leave_out"), "eventdata", kind="number")
    account = Account()
    make_contact(email="ada@example.com")

    account.post(account.form(event="loan", eventdata=eventdata))

    activity = Activity.objects.get()
    assert (activity.value, activity.properties) == (eventdata[:250], None)


def test_what_became_a_contact_field_is_not_stored_twice_when_something_is_left_out():
    activity_type = make_activity_type("loan", on_wrong="leave_out")
    make_rule(activity_type, "amount", kind="number")
    make_rule(activity_type, "user.email")

    EventSource().post(event("loan", amount="5", user={"id": "3", "email": "ada@example.com"}))

    assert Activity.objects.get().properties == {
        "user": {"consistent_anonymous_id": "browser-1", "id": "3"}
    }


def test_remarks_of_the_door_and_of_the_rules_are_one_line_of_the_inspector():
    make_specified_type("loan")

    EventSource().post(event("loan", amount="5", user={"birthdate": "yesterday"}))

    row = RejectedActivity.objects.get()
    assert (row.status, row.code) == ("invalid_accepted", "bad_user_property")
    assert "user.birthdate was left out" in row.reason
    assert "The property amount must be a number. The property months is missing." in row.reason


@pytest.mark.parametrize(
    ("properties", "code", "field"),
    [
        (b'"text"', "wrong_type", "properties"),
        (b"[]", "wrong_type", "properties"),
        (b'{"amount": "a\\u0000b"}', "bad_text", "properties"),
        (b'{"a\\u0000b": 1}', "bad_text", "properties"),
        (b'{"amount": "\\ud800"}', "wrong_property", "amount"),
        (b'{"amount": ' + b'[{"amount":' * 40 + b"1" + b"}]" * 40 + b"}", None, None),
        (b'{"amount": ' + b"9" * 5000 + b"}", "malformed_json", ""),
        (b'{"amount": ' + b"[" * 30 + b"]" * 30 + b"}", "wrong_property", "amount"),
    ],
)
def test_strange_properties_are_refused_one_by_one(properties, code, field):
    activity_type = make_activity_type("loan", on_wrong="reject")
    make_rule(activity_type, "amount", kind="number")
    app = App()

    response = app.log_raw(
        b'{"type":"loan","properties":%s}' % properties, b'{"type":"click","value":"x"}'
    )

    result, good = response.json()["results"]
    assert good == {"status": 202}
    if code is None:
        code, field = ("too_deep", "properties")
    assert (result["error"]["code"], result["error"].get("field", "")) == (code, field)


@pytest.mark.parametrize(
    "value", ['"ax' + "ax" * 1_000_000 + '!"', "[" + "1234567890," * 100_000 + "1]"]
)
def test_huge_values_are_checked_in_time(value):
    activity_type = make_activity_type("loan", on_wrong="leave_out")
    make_rule(activity_type, "code", format="(a|x|(ax)+)*y")
    make_rule(activity_type, "codes", kind="string", structure="set", format="(a+)+b")

    (response,) = (
        App()
        .log_raw(b'{"type":"loan","properties":{"code":%s,"codes":[%s]}}' % ((value.encode(),) * 2))
        .json()["results"]
    )

    assert response == {"status": 202}
    assert Activity.objects.get().properties is None


def test_rules_take_effect_at_once():
    activity_type = make_activity_type("loan", on_wrong="reject")
    app = App()
    assert app.log({"type": "loan", "properties": {"amount": 5}}) == [{"status": 202}]

    rule = make_rule(activity_type)
    (refused,) = app.log({"type": "loan", "properties": {"amount": 5}})
    rule.delete()

    assert refused["error"]["code"] == "wrong_property"
    assert app.log({"type": "loan", "properties": {"amount": 5}}) == [{"status": 202}]


def test_types_of_the_hub_can_have_rules():
    click = ActivityType.objects.get(code_name="click")
    ActivityType.objects.filter(pk=click.pk).update(on_missing="reject")
    make_rule(click, required=True)

    (result,) = App().log({"type": "click", "value": "Buy"})

    assert result["error"]["code"] == "missing_property"
