"""Fields of activities that would be refused, corrected as users have decided."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from activities.corrections import CORRECTABLE
from activities.drafts import Draft
from activities.models import Activity, Correction, DataInput, RejectedActivity
from activities.recording import Source, record_activities
from tests.factories import make_activity_type, make_channel, make_contact, make_rule

pytestmark = pytest.mark.django_db


def record(draft, *, channel=None, door="headless"):
    """The reason for which a draft is refused, or "" if it is recorded."""
    source = Source(door=door, channel=channel or make_channel(), request_id=uuid4())
    (outcome,) = record_activities([draft], contact_guid=make_contact().guid, source=source)
    return outcome.problem.code if outcome.problem else ""


def correct(code, field, action, text="", **fields):
    return Correction.objects.create(code=code, field=field, action=action, text=text, **fields)


@pytest.mark.parametrize(
    ("correction", "draft", "name", "stored"),
    [
        pytest.param(
            ("too_long", "value", "cut"), {"value": " é" * 200}, "value", "é" + " é" * 124 + " ",
            id="cut",
        ),
        pytest.param(("wrong_type", "value", "text"), {"value": 5000}, "value", "5000", id="text"),
        pytest.param(("wrong_type", "value", "text"), {"value": True}, "value", "true", id="bool"),
        pytest.param(("bad_text", "value", "clean"), {"value": "a\0b"}, "value", "ab", id="nul"),
        pytest.param(
            ("bad_text", "value", "clean"), {"value": "a\ud800b"}, "value", "ab", id="half"
        ),
        pytest.param(
            ("missing_value", "value", "default", "Buy"), {"type": "click"}, "value", "Buy",
            id="default",
        ),
        pytest.param(
            ("missing_url", "url", "default", "https://example.com/"), {"type": "pagevisit"},
            "url", "https://example.com/", id="url",
        ),
        pytest.param(("bad_id", "id", "drop"), {"client_id": "17"}, "client_id", None, id="id"),
        pytest.param(
            ("bad_timestamp", "timestamp", "drop"), {"occurred_at": "soon"}, "value", "", id="time"
        ),
        pytest.param(
            ("bad_text", "properties", "clean"), {"properties": {"a": ["x\0"]}},
            "properties", {"a": ["x"]}, id="properties",
        ),
        pytest.param(
            ("wrong_type", "properties", "drop"), {"properties": "none"}, "properties", None,
            id="no-properties",
        ),
    ],
)  # fmt: skip
def test_members_are_corrected(correction, draft, name, stored):
    make_activity_type("custom")
    draft = {"type": "custom", **draft}
    assert record(Draft(**draft)) == correction[0]

    correct(*correction)

    assert record(Draft(**draft)) == ""
    assert getattr(Activity.objects.get(), name) == stored


@pytest.mark.parametrize(
    ("correction", "given", "stored"),
    [
        pytest.param(("bad_country", "ContactCountry", "country"), "Germany", "DEU", id="name"),
        pytest.param(("bad_country", "ContactCountry", "country"), " de ", "DEU", id="two-letters"),
        pytest.param(
            ("bad_country", "ContactCountry", "country"), "Deutschland", "DEU", id="german",
        ),
        pytest.param(
            ("bad_country", "ContactCountry", "replace", "UK = GBR\nGB=GBR"), "UK", "GBR",
            id="replace",
        ),
        pytest.param(("bad_country", "ContactCountry", "drop"), "Atlantis", None, id="drop"),
    ],
)  # fmt: skip
def test_contact_fields_are_corrected(correction, given, stored):
    fields = {"contactCOUNTRY": given, "ContactCity": "Bonn"}
    draft = Draft(type="datainput", value="Form", contact_fields=fields)
    correct(*correction)
    # Errors name a field as it was sent.
    Correction.objects.update(field="contactCOUNTRY")

    assert record(draft) == ""
    assert DataInput.objects.get().fields.get("country") == stored
    assert DataInput.objects.get().fields["city"] == "Bonn"
    assert draft.contact_fields == fields


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("1.234,50", 1234.5),
        ("1,5", 1.5),
        ("1,234.5", 1234.5),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1\u202f234,5", 1234.5),
        ("1'234.5", 1234.5),
        ("-17", -17),
        (["1,5", 2], [1.5, 2]),
    ],
)
def test_properties_become_numbers(given, stored):
    structure = "list" if isinstance(given, list) else "single"
    loan = make_activity_type("loan", on_wrong="reject")
    make_rule(loan, "items", kind="object", structure="list")
    make_rule(loan, "items.price", kind="number", structure=structure)
    correct("wrong_property", "items.price", "number", type=loan)

    assert record(Draft(type="loan", properties={"items": [{"price": given}, {}]})) == ""
    assert Activity.objects.get().properties == {"items": [{"price": stored}, {}]}


@pytest.mark.parametrize(
    "given", ["five", "1,2,3.4.5", "", "12e", "0x10", "١٢", "9" * 400, {}, None]
)
def test_what_is_no_number_stays_refused(given):
    loan = make_activity_type("loan", on_wrong="reject", on_missing="reject")
    make_rule(loan, "price", kind="number", required=True)
    correct("wrong_property", "price", "number")

    assert record(Draft(type="loan", properties={"price": given})) in (
        "wrong_property",
        "missing_property",
    )
    assert RejectedActivity.objects.get().status == "invalid_rejected"


def test_property_without_a_rule_is_dropped_and_one_that_is_missing_filled_in():
    loan = make_activity_type("loan", on_missing="reject", on_unspecified="reject")
    make_rule(loan, "branch", required=True)
    correct("unspecified_property", "a.b", "drop")
    correct("missing_property", "branch", "default", "Main")

    assert record(Draft(type="loan", properties={"a.b": 1})) == ""
    assert Activity.objects.get().properties == {"branch": "Main"}


def test_what_was_corrected_is_in_the_inspector_and_counts_as_accepted():
    make_activity_type("custom")
    correct("wrong_type", "value", "text")

    record(Draft(type="custom", value=7))

    line = RejectedActivity.objects.get()
    assert (line.status, line.code, line.field) == ("invalid_accepted", "corrected", "value")
    assert line.reason == "value, corrected here: Write it as a text."


def test_correction_is_for_its_type_channel_and_format_alone():
    custom, channel = make_activity_type("custom"), make_channel()
    correct("wrong_type", "value", "text", type=custom, channel=channel, door="headless")
    make_activity_type("other")

    assert record(Draft(type="CUSTOM", value=1), channel=channel) == ""
    assert record(Draft(type="other", value=1), channel=channel) == "wrong_type"
    assert record(Draft(type="custom", value=1), channel=channel, door="python") == "wrong_type"
    assert record(Draft(type="custom", value=1)) == "wrong_type"


def test_disabled_correction_does_nothing():
    make_activity_type("custom")
    correct("wrong_type", "value", "text", enabled=False)

    assert record(Draft(type="custom", value=1)) == "wrong_type"


def test_what_is_corrected_may_be_wrong_in_another_way():
    make_activity_type("custom")
    correct("too_long", "value", "cut")

    assert record(Draft(type="custom", value="a" * 251, client_id="17")) == "bad_id"
    assert RejectedActivity.objects.get().field == "id"


def test_nothing_of_this_is_asked_for_what_is_right():
    custom = make_activity_type("custom")
    correct("wrong_type", "value", "text", type=custom)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert record(Draft(type="custom", value="1")) == ""

    assert not [one for one in queries if "activities_correction" in one["sql"]]


def test_every_code_that_can_be_corrected_offers_actions_that_there_are():
    actions = {action for offered in CORRECTABLE.values() for action in offered}

    assert actions == set(Correction.Action)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"action": "explode"}, "corrections_have_a_known_action"),
        ({"action": "default"}, "what_is_filled_in_is_given"),
        ({"action": "drop"}, "one_correction_per_field_and_reason"),
    ],
)
def test_database_refuses_corrections_that_make_no_sense(fields, constraint):
    correct("too_long", "value", "cut")

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Correction.objects.create(code="too_long", field="value", **fields)
