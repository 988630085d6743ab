"""What the formats of properties let through: regular expressions that marketers write."""

import time

import pytest
from django.core.exceptions import ValidationError

from activities.models import PropertyRule
from tests.activities.specified import record
from tests.factories import make_activity_type, make_rule

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("format", "value", "fits"),
    [
        ("[A-Z]{2}-[0-9]+", "LN-1042", True),
        ("[A-Z]{2}-[0-9]+", "LN-1042 ", False),
        ("[A-Z]{2}-[0-9]+", "xLN-1042", False),
        ("[A-Z]{2}-[0-9]+", "LN-1042\n", False),
        ("a|ab", "ab", True),
        ("(?i)eur|usd", "Usd", True),
        ("[é🎉]+", "🎉é", True),
        ("", "anything", True),
    ],
)
def test_the_whole_text_has_to_match_the_format(format, value, fits):
    make_rule(make_activity_type(on_wrong="reject"), format=format)

    (outcome,) = record({"amount": value})

    assert outcome.accepted == fits


def test_each_text_of_a_list_has_to_match_the_format():
    rule = make_rule(make_activity_type(on_wrong="reject"), structure="list", format="[a-z]")

    first, second = record({"amount": ["a", "b"]}, {"amount": ["a", "bb"]})

    assert first.accepted
    assert second.problem.detail == (
        f"The property amount must be a list of texts in the format {rule.format}."
    )


@pytest.mark.parametrize("format", ["(a+)+", "(a|a)*", "(x+x+)+y", "(.*)*(.*)*[b]"])
def test_no_format_takes_long_whatever_is_sent(format):
    make_rule(make_activity_type(on_wrong="reject"), format=format)
    started = time.monotonic()

    (outcome,) = record({"amount": "ax" * 2_000_000 + "!"})

    assert not outcome.accepted
    assert time.monotonic() - started < 5


def test_a_reason_does_not_repeat_what_was_sent():
    make_rule(make_activity_type(on_wrong="reject"), format="[0-9]+")

    (outcome,) = record({"amount": "ada@example.com"})

    assert "ada" not in outcome.problem.detail


def test_a_format_that_is_no_expression_loses_no_activity():
    make_rule(make_activity_type(on_wrong="reject"), format="(a")

    (outcome,) = record({"amount": "anything"})

    assert outcome.accepted


@pytest.mark.parametrize(
    ("format", "reason"),
    [
        ("(a", "missing ): (a"),
        ("a(?=b)", "invalid perl operator: (?="),
        (r"(a)\1", "invalid escape sequence: \\1"),
        ("(a{1000}){1000}", "invalid repetition size"),
        ("*", "no argument for repetition operator: *"),
    ],
)
def test_a_bad_format_is_explained(format, reason):
    rule = PropertyRule(activity_type=make_activity_type(), name="amount", format=format)

    with pytest.raises(ValidationError) as refusal:
        rule.full_clean()

    (message,) = refusal.value.message_dict["format"]
    assert reason in message
    assert message.startswith("This is no regular expression that can be used here")
