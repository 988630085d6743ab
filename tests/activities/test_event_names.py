"""Event names of other systems become activity types."""

import time
import uuid
from functools import partial

import pytest
from django.core.exceptions import ValidationError

from activities.drafts import Draft
from activities.event_names import code_name_for, event_name_for, make_types
from activities.models import Activity, ActivityType, RejectedActivity
from activities.problems import InvalidActivity, Status
from activities.recording import Source, record_activities
from tests.factories import make_activity_type, make_channel, make_contact
from tests.threads import run_at_once
from web import limits

DOOR = "activecampaign"


def record(*drafts, channel=None, door=DOOR):
    source = Source(
        door="activecampaign",
        channel=channel or make_channel(),
        request_id=uuid.uuid4(),
        names_types=door,
    )
    return record_activities(drafts, contact_guid=make_contact().guid, source=source)


@pytest.mark.django_db
def test_a_new_name_becomes_a_type_marked_with_its_door():
    (outcome,) = record(Draft(type="file download request", value="a.pdf"))

    assert outcome.accepted
    activity = Activity.objects.get()
    assert activity.title == "file download request 'a.pdf'"
    assert activity.type.code_name == activity.type.name == "file download request"
    assert activity.type.door == DOOR
    assert not activity.type.whitelisted


@pytest.mark.django_db
def test_a_known_name_is_matched_in_any_letter_case():
    make_activity_type("Purchase")

    record(Draft(type="purchase"), Draft(type="PURCHASE"))

    assert Activity.objects.filter(type__code_name="Purchase").count() == 2


@pytest.mark.django_db
def test_names_like_identifiers_are_made_readable():
    record(Draft(type="add_to_cart"), door="commandersact")

    assert ActivityType.objects.get(code_name="add_to_cart").name == "Add to cart"


@pytest.mark.parametrize("event_name", ["click", "Click", "datainput", "purchase", "x event"])
@pytest.mark.django_db
def test_the_hubs_own_types_do_not_take_events_of_the_same_name(event_name):
    (outcome,) = record(Draft(type=code_name_for(event_name)))

    assert outcome.accepted
    activity_type = Activity.objects.get().type
    assert not activity_type.is_system
    assert event_name_for(activity_type) == event_name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("x" * 251, "too_long"),
        ("tab\there", "bad_text"),
        ("delete\x7f", "bad_text"),
        ("turned \u202e around", "bad_text"),
        ("two\u2028lines", "bad_text"),
        (" space", "bad_text"),
        ("half \ud800", "unknown_type"),
        ("nul \0", "unknown_type"),
        ("", "missing_type"),
        (17, "missing_type"),
    ],
)
@pytest.mark.django_db
def test_what_cannot_be_a_name_is_refused(name, code):
    (outcome,) = record(Draft(type=name))

    assert outcome.problem.code == code
    assert ActivityType.objects.exclude(door="").count() == 0


@pytest.mark.django_db
def test_letters_whose_lower_case_is_disputed_make_one_type():
    dotted = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}ade"
    record(Draft(type=dotted))
    # The channel takes no new names: this one is known.
    channel = make_channel(accepts_new_event_names=False)

    outcomes = record(Draft(type=dotted), Draft(type="iade"), Draft(type="IADE"), channel=channel)

    assert all(outcome.accepted for outcome in outcomes)
    assert ActivityType.objects.exclude(door="").count() == 1
    assert Activity.objects.count() == 4


@pytest.mark.django_db
def test_the_hubs_own_types_do_not_take_events_in_any_letter_case():
    name = "DATA\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}NPUT"

    assert code_name_for(name) == f"{name} event"
    record(Draft(type=code_name_for(name), value="Newsletter"))
    assert not Activity.objects.get().type.is_system


@pytest.mark.django_db
def test_a_channel_may_keep_new_names_out():
    make_activity_type("purchase")
    channel = make_channel(accepts_new_event_names=False)

    outcomes = record(Draft(type="purchase"), Draft(type="Surprise"), channel=channel)

    assert [outcome.accepted for outcome in outcomes] == [True, False]
    assert outcomes[1].problem.code == "new_event_name"


@pytest.mark.django_db
def test_an_hour_has_room_for_so_many_new_names_only(settings, monkeypatch):
    settings.NEW_ACTIVITY_TYPES_PER_HOUR = 2

    outcomes = record(Draft(type="first"), Draft(type="second"), Draft(type="third"))

    assert [outcome.accepted for outcome in outcomes] == [True, True, False]
    assert outcomes[2].problem.code == "too_many_new_names"
    in_an_hour = time.time() + 3600
    monkeypatch.setattr(limits.time, "time", lambda: in_an_hour)
    assert record(Draft(type="third"))[0].accepted


@pytest.mark.django_db(transaction=True)
def test_an_hour_has_room_for_no_more_names_that_come_at_once(settings):
    settings.NEW_ACTIVITY_TYPES_PER_HOUR = 5
    channel = make_channel()
    batches = [[f"name-{number}-{turn}" for turn in range(3)] for number in range(8)]
    before = ActivityType.objects.count()

    made = run_at_once(
        *[partial(make_types, names, door=DOOR, channel=channel) for names in batches]
    )

    types = [one for batch in made for one in batch.values() if isinstance(one, ActivityType)]
    assert len(types) == ActivityType.objects.count() - before == 5


@pytest.mark.django_db
def test_a_door_that_names_no_types_refuses_unknown_ones():
    (outcome,) = record(Draft(type="surprise"), door=None)

    assert outcome.problem.code == "unknown_type"


@pytest.mark.django_db(transaction=True)
def test_a_name_seen_twice_at_once_makes_one_type():
    results = run_at_once(*[lambda: record(Draft(type="rush"))] * 4)

    assert all(outcome.accepted for (outcome,) in results)
    assert ActivityType.objects.filter(code_name="rush").count() == 1
    assert Activity.objects.count() == 4


@pytest.mark.django_db
def test_an_activity_with_remarks_is_recorded_and_kept_for_the_inspector():
    remarks = (
        InvalidActivity("bad_email", "user.email", "The email is none."),
        InvalidActivity("bad_date", "user.birthdate", "The date is none."),
    )

    (outcome,) = record(Draft(type="purchase", remarks=remarks, payload=b"{}", test_code="T1"))

    assert outcome.accepted
    assert Activity.objects.count() == 1
    row = RejectedActivity.objects.get()
    assert row.status == Status.INVALID_ACCEPTED
    assert (row.code, row.field) == ("bad_email", "user.email")
    assert row.reason == "The email is none. The date is none."
    assert row.test_code == "T1"


@pytest.mark.django_db
def test_types_made_by_hand_have_plain_code_names():
    with pytest.raises(ValidationError, match="Use letters"):
        ActivityType(name="Mine", code_name="with space").full_clean()
    ActivityType(name="Theirs", code_name="with space", door=DOOR).full_clean()
