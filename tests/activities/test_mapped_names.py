"""Names that senders give as the type, and what is meant by them."""

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from activities import specification
from activities.drafts import Draft
from activities.models import Activity, ActivityType, MappedName, RejectedActivity
from activities.recording import Source, record_activities
from activities.submissions import Submission
from tests.factories import make_activity_type, make_channel, make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_read_yet(monkeypatch):
    monkeypatch.setattr(specification, "_last_read", {})
    monkeypatch.setattr(specification, "_last_mapped", {})


@pytest.fixture
def calculator():
    return make_activity_type("custom_loan_calculator")


def record(name, *, channel=None, door="headless", **fields):
    """What became of an activity whose sender calls its type so: its type, or a reason."""
    source = Source(door=door, channel=channel or make_channel(), request_id=uuid4())
    draft = Draft(type=name, **fields)
    (outcome,) = record_activities([draft], contact_guid=make_contact().guid, source=source)
    if outcome.problem:
        return outcome.problem.code
    return Activity.objects.get(request_id=source.request_id).type.code_name


def test_mapped_name_is_recorded_as_its_type_in_any_letter_case(calculator):
    MappedName.objects.create(sent="Loan Calculator", type=calculator)

    assert record("loan CALCULATOR") == "custom_loan_calculator"
    assert Activity.objects.get().title == "Loan calculator usage"


def test_mapping_counts_at_once_and_not_any_more_once_it_is_gone(calculator):
    channel = make_channel()
    assert record("loan_calc", channel=channel) == "unknown_type"

    mapped = MappedName.objects.create(sent="loan_calc", type=calculator)
    assert [record("loan_calc", channel=channel) for _ in range(2)] == [calculator.code_name] * 2

    mapped.type = make_activity_type("other")
    mapped.save()
    assert record("loan_calc", channel=channel) == "other"

    mapped.delete()
    assert record("loan_calc", channel=channel) == "unknown_type"


def test_mapped_name_is_usual_once_it_was_read(calculator):
    MappedName.objects.create(sent="loan_calc", type=calculator)
    channel = make_channel()
    record("loan_calc", channel=channel)
    source = Source(door="headless", channel=channel, request_id=uuid4())
    submission = Submission(
        drafts=[Draft(type="LOAN_calc")], contact_guid=make_contact().guid, source=source, room=1
    )

    submission.check_ahead()

    assert [activity.type for activity in submission.find_usual()] == [calculator]


def test_mapping_of_a_name_that_is_a_type_counts_at_once(calculator):
    make_activity_type("loan_calc", enabled=False)
    channel = make_channel()
    assert record("loan_calc", channel=channel) == "disabled_type"
    ActivityType.objects.filter(code_name="loan_calc").update(enabled=True)
    assert record("loan_calc", channel=channel) == "loan_calc"

    MappedName.objects.create(sent="Loan_Calc", type=calculator)

    assert record("loan_calc", channel=channel) == "custom_loan_calculator"


def test_mapping_is_for_its_channel_and_format_alone_and_the_nearest_one_counts(calculator):
    channel, other = make_channel(), make_channel()
    by_format = make_activity_type("by_format")
    MappedName.objects.create(sent="calc", type=calculator, channel=channel)
    MappedName.objects.create(sent="calc", type=by_format, door="python")

    assert record("calc", channel=channel) == "custom_loan_calculator"
    assert record("calc", channel=channel, door="python") == "custom_loan_calculator"
    assert record("calc", channel=other, door="python") == "by_format"
    assert record("calc", channel=other) == "unknown_type"
    # By what was read last, too.
    assert record("calc", channel=other) == "unknown_type"
    assert record("calc", channel=channel) == "custom_loan_calculator"


def test_mapped_event_name_makes_no_type(calculator):
    MappedName.objects.create(sent="Loan calculator used", type=calculator)
    source = Source(
        door="activecampaign",
        channel=make_channel(),
        request_id=uuid4(),
        names_types="activecampaign",
    )

    draft = Draft(type="loan calculator USED")
    record_activities([draft], contact_guid=make_contact().guid, source=source)

    assert Activity.objects.get().type == calculator
    assert not ActivityType.objects.filter(door="activecampaign").exists()


def test_type_that_is_deleted_takes_its_mapped_names_along(calculator):
    MappedName.objects.create(sent="calc", type=calculator)
    channel = make_channel()
    assert record("calc", channel=channel) == "custom_loan_calculator"

    Activity.objects.all().delete()
    calculator.delete()

    assert record("calc", channel=channel) == "unknown_type"
    assert RejectedActivity.objects.get().named == "calc"


@pytest.mark.parametrize("sent", ["pagevisit", "PageVisit", "dataInput"])
def test_system_types_are_not_mapped(calculator, sent):
    with pytest.raises(IntegrityError, match="system_types_are_not_mapped"):
        MappedName.objects.create(sent=sent, type=calculator)


def test_nothing_is_mapped_to_data_inputs_as_their_fields_would_be_lost():
    form = MappedName(sent="form", type=ActivityType.objects.get(code_name="datainput"))

    with pytest.raises(ValidationError, match="contact fields"):
        form.full_clean()


def test_name_is_mapped_once_for_each_kind_of_sender(calculator):
    channel = make_channel()
    MappedName.objects.create(sent="calc", type=calculator)
    MappedName.objects.create(sent="calc", type=calculator, channel=channel)

    for fields in ({}, {"channel": channel}):
        with pytest.raises(IntegrityError, match="one_type"), transaction.atomic():
            MappedName.objects.create(sent="CALC", type=calculator, **fields)
