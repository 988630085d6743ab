"""Event names that are offered by name."""

from datetime import timedelta

import pytest
from django.utils import timezone

from activities.event_names import make_types
from activities.models import ActivityType
from activities.problems import InvalidActivity
from activities.whitelisting import unwhitelist, whitelist
from tests.factories import make_activity_type, make_channel
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db

DOOR = "activecampaign"


def whitelisted():
    types = ActivityType.objects.filter(whitelisted=True)
    return sorted(types.values_list("code_name", flat=True))


def test_whitelisting_a_new_name_makes_its_type():
    activity_type = whitelist("file download request", door=DOOR)

    activity_type.refresh_from_db()
    assert activity_type.code_name == activity_type.name == "file download request"
    assert activity_type.door == DOOR
    assert whitelisted() == ["file download request"]


def test_whitelisting_a_known_name_marks_its_type_in_any_letter_case():
    known = make_activity_type("Purchase", enabled=False)

    assert whitelist("purchase", door=DOOR) == whitelist("PURCHASE", door=DOOR) == known

    known.refresh_from_db()
    assert known.whitelisted
    assert not known.enabled
    assert ActivityType.objects.filter(code_name__iexact="purchase").count() == 1


def test_whitelisting_a_name_of_the_hub_leaves_its_own_type_alone():
    whitelist("Click", door=DOOR)

    assert whitelisted() == ["Click event"]


@pytest.mark.parametrize(
    ("name", "code"), [("x" * 251, "too_long"), ("a\0b", "bad_text"), (" a", "bad_text")]
)
def test_what_can_be_no_event_name_is_not_whitelisted(name, code):
    with pytest.raises(InvalidActivity) as refusal:
        whitelist(name, door=DOOR)

    assert refusal.value.code == code
    assert not unwhitelist(name)
    assert whitelisted() == []


def test_unwhitelisting_takes_the_name_off_and_keeps_the_type():
    whitelist("my event", door=DOOR)
    whitelist("click", door=DOOR)

    assert unwhitelist("My Event")
    assert unwhitelist("click")

    assert not unwhitelist("My Event")
    assert not unwhitelist("unknown")
    assert whitelisted() == []
    assert ActivityType.objects.filter(code_name__in=["my event", "click event"]).count() == 2


def test_whitelisted_names_leave_room_for_new_ones(settings):
    settings.NEW_ACTIVITY_TYPES_PER_HOUR = 1
    channel = make_channel()
    whitelist("one", door=DOOR)
    whitelist("two", door=DOOR)

    made = make_types(["three", "four"], door=DOOR, channel=channel)

    assert isinstance(made["three"], ActivityType)
    assert isinstance(made["four"], InvalidActivity)
    assert made["three"].created_at > timezone.now() - timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_whitelisting_one_name_at_the_same_time_makes_one_type():
    types = run_at_once(*[lambda: whitelist("my event", door=DOOR)] * 8)

    assert {activity_type.pk for activity_type in types} == {
        ActivityType.objects.get(code_name="my event").pk
    }
