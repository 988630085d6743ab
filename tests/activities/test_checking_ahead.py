"""Drafts are checked before they are written, by types that are still true when they are."""

from uuid import uuid4

import pytest

from activities import batches, specification, submissions
from activities.drafts import Draft
from activities.models import Activity, ActivityType, RejectedActivity
from activities.submissions import Source, Submission
from database.questions import ask
from database.transactions import run
from tests.factories import make_activity_type, make_channel, make_contact, make_rule

pytestmark = pytest.mark.django_db

NAME = "custom_loan"


@pytest.fixture(autouse=True)
def nothing_read_yet(monkeypatch):
    monkeypatch.setattr(specification, "_last_read", {})
    monkeypatch.setattr(specification, "_last_mapped", {})


@pytest.fixture
def checked(monkeypatch):
    """The values of the drafts that were checked, in order."""
    values, check_draft = [], submissions.check_draft

    def note(draft, *args):
        values.append(draft.value)
        return check_draft(draft, *args)

    monkeypatch.setattr(submissions, "check_draft", note)
    return values


def submit(*drafts):
    """A submission of which as much was checked ahead as can be."""
    source = Source(door="test", channel=make_channel(), request_id=uuid4())
    submission = Submission(
        drafts=drafts, contact_guid=make_contact().guid, source=source, room=100
    )
    submission.check_ahead()
    return submission


def write(submission):
    """The codes of what became of each draft; "" if it was accepted."""
    (written,) = run(batches.steps_of([submission]))
    return [outcome.problem.code if outcome.problem else "" for outcome in written.outcomes]


def read_types(name):
    (types,) = ask(specification.types_named([name]))
    return types.by_name


def loan(value="", **fields):
    return Draft(type=NAME.upper(), value=value, **fields)


def test_what_was_checked_ahead_is_not_checked_again(checked):
    make_activity_type(NAME)
    write(submit(loan("first")))
    assert checked == ["first"]

    submission = submit(loan("second"), loan("third"))
    assert checked == ["first", "second", "third"]

    assert write(submission) == ["", ""]
    assert checked == ["first", "second", "third"]


def test_types_that_nobody_has_read_yet_are_not_checked_ahead(checked):
    make_activity_type(NAME)

    submit(loan("first"), Draft(type="unknown", value="second"))

    assert checked == []


def test_type_that_was_disabled_meanwhile_is_refused():
    make_activity_type(NAME)
    write(submit(loan()))
    submission = submit(loan())

    ActivityType.objects.filter(code_name=NAME).update(enabled=False)

    assert write(submission) == ["disabled_type"]


def test_type_that_was_deleted_meanwhile_is_refused():
    make_activity_type(NAME)
    write(submit(loan()))
    submission = submit(loan())

    Activity.objects.all().delete()
    ActivityType.objects.filter(code_name=NAME).delete()

    assert write(submission) == ["unknown_type"]


def test_rule_that_was_changed_meanwhile_counts():
    rule = make_rule(make_activity_type(NAME, on_wrong="reject"), "amount", kind="number")
    drafts = [loan(properties={"amount": 5}), loan(properties={"amount": "5"})]
    assert write(submit(*drafts)) == ["", "wrong_property"]
    submission = submit(*drafts)

    rule.kind = "string"
    rule.save()

    assert write(submission) == ["wrong_property", ""]


def test_first_rule_that_was_made_meanwhile_counts():
    activity_type = make_activity_type(NAME, on_missing="reject")
    write(submit(loan()))
    submission = submit(loan())

    make_rule(activity_type, "amount", required=True)

    assert write(submission) == ["missing_property"]


def test_checking_twice_says_the_same_of_what_was_moved_out_of_the_properties():
    activity_type = make_activity_type(NAME, on_wrong="leave_out")
    make_rule(activity_type, "user.email", kind="number")
    draft = loan(moved={"user": {"email": "ada@example.com"}})
    write(submit(loan()))
    submission = submit(draft)

    activity_type.name = "Loans"
    activity_type.save()
    write(submission)

    assert draft.moved == {"user": {"email": "ada@example.com"}}
    assert RejectedActivity.objects.get().code == "wrong_property"


def test_type_is_the_same_object_until_something_about_it_changes():
    activity_type = make_activity_type(NAME)
    first = read_types(NAME)[NAME]
    assert read_types(NAME)[NAME] is first

    activity_type.name = "Loans"
    activity_type.save()

    renamed = read_types(NAME)[NAME]
    assert renamed.name == "Loans"
    assert specification.last_read_types([NAME], "test", 1) == {NAME: renamed}


def test_not_every_type_that_somebody_makes_up_is_remembered(monkeypatch):
    monkeypatch.setattr(specification, "_MOST_REMEMBERED", 2)
    for number in range(4):
        make_activity_type(f"type{number}")
        read_types(f"type{number}")

    assert len(specification._last_read) <= 2
