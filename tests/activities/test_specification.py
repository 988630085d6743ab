"""What the rules of an activity type do to the properties of its activities."""

import uuid
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from activities import specification
from activities.models import Activity, PropertyRule, RejectedActivity
from activities.problems import InvalidActivity
from activities.recording import Draft, Source, log_custom_activity, record_activities
from tests.activities.specified import CODE_NAME, record
from tests.factories import make_activity_type, make_channel, make_contact, make_rule

pytestmark = pytest.mark.django_db


def remark():
    """What the inspector has about the one activity that it has."""
    row = RejectedActivity.objects.get()
    return row.status, row.code, row.field, row.reason


def stored():
    return [activity.properties for activity in Activity.objects.order_by("pk")]


STRING, NUMBER, BOOLEAN, OBJECT = PropertyRule.Kind.values
SINGLE, LIST, SET = PropertyRule.Structure.values


@pytest.mark.parametrize(
    ("kind", "structure", "value", "fits"),
    [
        (STRING, SINGLE, "a", True),
        (STRING, SINGLE, "", True),
        (STRING, SINGLE, 1, False),
        (STRING, SINGLE, ["a"], False),
        (STRING, SINGLE, {"a": "a"}, False),
        (NUMBER, SINGLE, 0, True),
        (NUMBER, SINGLE, -1.5, True),
        (NUMBER, SINGLE, 10**18, True),
        (NUMBER, SINGLE, True, False),
        (NUMBER, SINGLE, "1", False),
        (BOOLEAN, SINGLE, False, True),
        (BOOLEAN, SINGLE, 0, False),
        (BOOLEAN, SINGLE, "true", False),
        (OBJECT, SINGLE, {}, True),
        (OBJECT, SINGLE, [], False),
        (STRING, LIST, [], True),
        (STRING, LIST, ["a", "a"], True),
        (STRING, LIST, ["a", None], False),
        (STRING, LIST, "a", False),
        (NUMBER, LIST, [1, 2.5], True),
        (NUMBER, LIST, [1, True], False),
        (OBJECT, LIST, [{}, {"a": 1}], True),
        (OBJECT, LIST, [{}, []], False),
        (STRING, SET, ["a", "b"], True),
        (STRING, SET, ["a", "b", "a"], False),
        (OBJECT, SET, [{"a": 1, "b": 2}, {"a": 1}], True),
        (OBJECT, SET, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
    ],
)
def test_a_value_has_the_kind_and_structure_of_its_rule(kind, structure, value, fits):
    make_rule(make_activity_type(on_wrong="reject"), kind=kind, structure=structure)

    (outcome,) = record({"amount": value})

    assert outcome.accepted == fits
    if not fits:
        assert (outcome.problem.code, outcome.problem.field) == ("wrong_property", "amount")


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        (NUMBER, "12", True),
        (NUMBER, "-1.5e3", True),
        (NUMBER, "12 EUR", False),
        (NUMBER, "true", False),
        (NUMBER, "", False),
        (NUMBER, "9" * 5000, False),
        (BOOLEAN, "true", True),
        (BOOLEAN, "yes", False),
        (BOOLEAN, "1", False),
        (OBJECT, "{}", False),
        (STRING, "12", True),
    ],
)
def test_in_a_format_of_texts_a_text_can_be_a_number(kind, value, fits):
    make_rule(make_activity_type(on_wrong="reject"), kind=kind)

    (outcome,) = record({"amount": value}, texts_only=True)

    assert outcome.accepted == fits


@pytest.mark.parametrize(
    ("on_missing", "properties", "is_stored"),
    [
        ("accept", {"other": 1}, True),
        ("accept", {"amount": None}, True),
        ("accept", None, True),
        ("reject", {"other": 1}, False),
        ("reject", {"amount": None}, False),
        ("reject", None, False),
    ],
)
def test_a_required_property_is_missing(on_missing, properties, is_stored):
    make_rule(make_activity_type(on_missing=on_missing), required=True)

    (outcome,) = record(properties)

    status = "invalid_accepted" if is_stored else "invalid_rejected"
    assert remark() == (status, "missing_property", "amount", "The property amount is missing.")
    assert outcome.accepted == is_stored
    assert stored() == ([properties] if is_stored else [])


@pytest.mark.parametrize(
    ("on_wrong", "status", "left"),
    [
        ("accept", "invalid_accepted", [{"amount": 5, "other": 1}]),
        ("leave_out", "invalid_accepted", [{"other": 1}]),
        ("reject", "invalid_rejected", []),
    ],
)
def test_a_property_breaks_its_rule(on_wrong, status, left):
    make_rule(make_activity_type(on_wrong=on_wrong))

    record({"amount": 5, "other": 1})

    reason = "The property amount must be a text."
    if on_wrong == "leave_out":
        reason += " It was left out."
    assert remark() == (status, "wrong_property", "amount", reason)
    assert stored() == left


@pytest.mark.parametrize(
    ("on_unspecified", "status", "left"),
    [
        ("leave_out", "invalid_accepted", [{"amount": "5"}]),
        ("reject", "invalid_rejected", []),
    ],
)
def test_a_property_has_no_rule(on_unspecified, status, left):
    make_rule(make_activity_type(on_unspecified=on_unspecified))

    record({"amount": "5", "b\n": 1, "c": 2})

    reason = "There is no rule for “b\ufffd”, “c”."
    if on_unspecified == "leave_out":
        reason += " They were left out."
    assert remark() == (status, "unspecified_property", "b\ufffd", reason)
    assert stored() == left


def test_a_property_without_a_rule_is_accepted_silently_by_default():
    make_rule(make_activity_type())

    record({"amount": "5", "other": 1})

    assert stored() == [{"amount": "5", "other": 1}]
    assert not RejectedActivity.objects.exists()


def test_a_type_without_rules_takes_every_property():
    make_activity_type(on_missing="reject", on_wrong="reject", on_unspecified="reject")

    record({"amount": 5})

    assert stored() == [{"amount": 5}]


def test_what_the_hub_and_the_format_add_needs_no_rule():
    make_rule(make_activity_type(on_unspecified="reject"))

    record({"amount": "5", "context": {}}, frame=("user", "context"), occurred_at="1970-01-01")

    assert stored() == [{"amount": "5", "context": {}, "original_timestamp": "1970-01-01"}]


def test_only_a_few_of_many_names_without_a_rule_are_told():
    make_rule(make_activity_type(on_unspecified="leave_out"))

    record({f"{number:05}{'x' * 1000}": 1 for number in range(1000)})

    assert len(remark()[3]) < 400
    assert remark()[3].endswith(" and 997 more. They were left out.")
    assert stored() == [None]


def test_a_required_property_that_is_needed_is_not_left_out():
    make_rule(make_activity_type(on_missing="reject", on_wrong="leave_out"), required=True)

    (outcome,) = record({"amount": 5})

    assert outcome.problem.code == "wrong_property"
    assert "left out" not in outcome.problem.detail


def test_every_broken_rule_is_one_remark():
    activity_type = make_activity_type(on_wrong="leave_out", on_unspecified="leave_out")
    make_rule(activity_type, "amount", kind="number")
    make_rule(activity_type, "months", kind="number", required=True)
    make_rule(activity_type, "rate", kind="number")

    record({"amount": "5", "rate": "6", "more": 1})

    status, code, field, reason = remark()
    assert (status, code, field) == ("invalid_accepted", "wrong_property", "amount")
    assert reason == (
        "The property amount must be a number. It was left out. "
        "The property months is missing. "
        "The property rate must be a number. It was left out. "
        "There is no rule for “more”. It was left out."
    )
    assert stored() == [None]


def test_rules_look_into_objects_and_into_each_object_of_a_list():
    activity_type = make_activity_type(on_wrong="leave_out", on_unspecified="reject")
    make_rule(activity_type, "items.product.id", required=True)
    items = [{"product": {"id": "a"}}, {"product": {"id": 1, "x": 2}}, {}, 5, [{"product": {}}]]

    record({"items": items})

    assert remark()[3] == (
        "The property items.product.id is missing. "
        "The property items.product.id must be a text. It was left out."
    )
    items[1]["product"] = {"x": 2}
    assert stored() == [{"items": items}]


def test_what_is_in_an_object_that_was_not_sent_is_not_missing():
    make_rule(make_activity_type(on_missing="reject"), "user.id", required=True)

    first, second = record({}, {"user": {}})

    assert first.accepted
    assert second.problem.field == "user.id"


def test_the_rules_of_an_object_that_was_left_out_are_not_broken():
    activity_type = make_activity_type(on_wrong="leave_out", on_missing="reject")
    make_rule(activity_type, "items", kind="object", structure="list")
    make_rule(activity_type, "items.id", required=True)

    record({"items": [{}, 5], "other": 1})

    assert stored() == [{"other": 1}]


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ([], "wrong_type"),
        ("text", "wrong_type"),
        (5, "wrong_type"),
        ({"amount": "a\0b"}, "bad_text"),
        ({"a\0b": 1}, "bad_text"),
        ({"amount": {1, 2}}, None),
        ({"amount": object()}, "wrong_type"),
        ({"amount": [10**4299]}, None),
        ({"amount": -(10**4299)}, "wrong_type"),
        ({"amount": 10**4300}, "wrong_type"),
    ],
)
def test_properties_that_no_rule_can_read(properties, code):
    make_rule(make_activity_type(), kind="number", structure="list")

    (outcome,) = record(properties)

    assert (outcome.problem and outcome.problem.code) == code


def test_what_python_code_gives_is_left_as_it_is():
    make_rule(make_activity_type(on_wrong="leave_out"), kind="boolean")
    properties = {"amount": Decimal("5.5"), "at": {"id": uuid.UUID(int=1)}}

    log_custom_activity(
        CODE_NAME, contact=make_contact(), channel=make_channel(), properties=properties
    )

    assert properties == {"amount": Decimal("5.5"), "at": {"id": uuid.UUID(int=1)}}
    assert stored() == [{"at": {"id": str(uuid.UUID(int=1))}}]


def test_python_code_is_told_which_rule_was_broken():
    make_rule(make_activity_type(on_missing="reject"), required=True)

    with pytest.raises(InvalidActivity, match="The property amount is missing"):
        log_custom_activity(CODE_NAME, contact=make_contact(), channel=make_channel())


def queries_of_a_request(*code_names):
    drafts = [Draft(type=name, value="x", properties={"amount": "5"}) for name in code_names]
    source = Source(door="test", channel=make_channel(), request_id=uuid.uuid4())
    contact = make_contact()
    with CaptureQueriesContext(connection) as queries:
        record_activities(drafts, contact_guid=contact.guid, source=source)
    return len(queries)


def test_rules_cost_no_query(monkeypatch):
    monkeypatch.setattr(specification, "_last_read", {})
    first, second = make_activity_type("first"), make_activity_type("second")
    everything = ["first", "second", "click"]

    def count(change=None):
        """The queries of a few and of many: the first to come after a change, and the next."""
        counts = []
        for names in (everything, everything * 20):
            if change is not None:
                change()
            counts.append([queries_of_a_request(*names) for _ in range(2)])
        return counts

    assert count() == [[8, 5], [5, 5]]
    assert count(specification._last_read.clear) == [[8, 5], [8, 5]]

    for name in ("amount", "months", "rate"):
        make_rule(first, name)
        make_rule(second, name)

    assert count(specification._last_read.clear) == [[8, 5], [8, 5]]
    # Who did not know of a change meets it, and begins again.
    assert count(lambda: first.save()) == [[12, 5], [12, 5]]


def test_a_type_that_was_made_meanwhile_has_its_rules():
    # PostgreSQL and Python do not agree on this letter's lower case: so the type is not found.
    make_rule(make_activity_type("İ", on_wrong="reject", door="commandersact"))
    source = Source(
        door="test",
        channel=make_channel(),
        request_id=uuid.uuid4(),
        names_types="commandersact",
    )

    (outcome,) = record_activities(
        [Draft(type="İ", properties={"amount": 5})], contact_guid=make_contact().guid, source=source
    )

    assert outcome.problem.code == "wrong_property"


def make_rule_now(activity_type, **fields):
    make_rule(activity_type, **fields)
    # Some constraints would wait for the end of the transaction.
    connection.check_constraints()


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("one_rule_per_property", {"name": "taken"}),
        ("rules_name_a_property", {"name": ""}),
        ("rules_name_a_property", {"name": "a..b"}),
        ("rules_name_a_property", {"name": ".a"}),
        ("rules_name_a_property", {"name": "a."}),
        ("only_texts_have_a_format", {"kind": "number", "format": "[0-9]"}),
        ("rules_have_a_known_kind_and_structure", {"kind": "date"}),
        ("rules_have_a_known_kind_and_structure", {"structure": "tree"}),
    ],
)
def test_the_database_refuses_rules_that_mean_nothing(constraint, fields):
    activity_type = make_activity_type()
    make_rule(activity_type, "taken")

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make_rule_now(activity_type, **fields)


@pytest.mark.parametrize("name", ["on_missing", "on_wrong", "on_unspecified"])
def test_the_database_refuses_actions_that_mean_nothing(name):
    with (
        pytest.raises(IntegrityError, match="broken_rules_have_a_known_action"),
        transaction.atomic(),
    ):
        make_activity_type(**{name: "ignore"})
