"""Event names of other systems: each is the code name of an activity type, just as it was sent."""

from collections.abc import Iterable

from django.conf import settings

from activities.models import ActivityType, SystemType
from activities.problems import CONTROLS, InvalidActivity
from channels.models import Channel
from database.letter_case import fold
from web.doors import door_named
from web.limits import is_within

_MAX_LENGTH = 250
# What the hub's own types are called when another system has an event of the same name.
_SUFFIX = " event"
_OWN_NAMES = frozenset(SystemType.values)


def code_name_for(event_name: str) -> str:
    """The code name of the type that an event of this name belongs to.

    It is the name itself, unless the hub has a type of its own with it, such as "click".
    """
    return event_name + _SUFFIX if fold(event_name) in _OWN_NAMES else event_name


def event_name_for(activity_type: ActivityType) -> str:
    """The event name that `activity_type` stands for: what `code_name_for` was given."""
    name = activity_type.code_name.removesuffix(_SUFFIX)
    return name if fold(name) in _OWN_NAMES else activity_type.code_name


def make_types(
    names: Iterable[str], *, door: str, channel: Channel
) -> dict[str, ActivityType | InvalidActivity]:
    """Types with these new code names, or why there is none, by lower-case code name.

    Every sender of events decides about names, so an hour has room for so many new ones only.
    """
    found: dict[str, ActivityType | InvalidActivity] = {}
    for name in names:
        problem = _why_not(name, channel)
        found[fold(name)] = problem or make_type(name, door=door)
    return found


def make_type(code_name: str, *, door: str, **fields) -> ActivityType:
    """The type with this code name, made now if there was none."""
    new = ActivityType(code_name=code_name, name=_name(code_name, door), door=door, **fields)
    # Two processes may see a name at once: the first one makes it.
    ActivityType.objects.bulk_create([new], ignore_conflicts=True)
    return ActivityType.objects.with_code_name(code_name).get()


def why_no_event_name(name: str) -> InvalidActivity | None:
    """Why no event can have this name; None if one can."""
    if len(name) > _MAX_LENGTH:
        return InvalidActivity(
            "too_long", "type", f"An event name may have at most {_MAX_LENGTH} characters."
        )
    if name != name.strip() or CONTROLS.search(name):
        return InvalidActivity(
            "bad_text",
            "type",
            "An event name has no control characters, none that turn the direction of the text "
            "around it, and no space at its ends.",
        )
    return None


def _why_not(name: str, channel: Channel) -> InvalidActivity | None:
    if problem := why_no_event_name(name):
        return problem
    if not channel.accepts_new_event_names:
        return InvalidActivity(
            "new_event_name",
            "type",
            f"No activity type has the name “{name}”, and this channel does not log events with "
            "new names. Add the type, or allow new names on the channel.",
        )
    most = settings.NEW_ACTIVITY_TYPES_PER_HOUR
    if not is_within(most, seconds=3600, bucket="new-activity-types"):
        return InvalidActivity(
            "too_many_new_names",
            "type",
            f"“{name}” is a new event name, and {most:,} others were new within this hour. "
            "Add the type in the admin, or wait.",
        )
    return None


def _name(code_name: str, door: str) -> str:
    """What people call it, as the door has it."""
    known = door_named(door)
    return known.name_type(code_name) if known and known.name_type else code_name
