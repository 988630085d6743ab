"""Steps at which a run waits: for a time, until an hour, or until a rule holds."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from automations.steps.base import StepKind, register
from automations.steps.members import read_rule
from groups.conditions.members import Members
from groups.conditions.wording import all_of
from groups.trees import InvalidRule

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
# The zone that the contact's device said last.
ZONE_OF_CONTACT = "contact"
_LONGEST = timedelta(days=3_660)
_DURATION = re.compile(r"([0-9]{1,9}) ?(second|minute|hour|day|week)s?")
_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def read_duration(members: Members, name: str) -> str:
    """A time such as “2 days”, in its normal form.

    :raises InvalidRule: if it is none, or longer than ten years
    """
    text = members.text(name).strip().lower()
    found = _DURATION.fullmatch(text)
    if not found:
        raise InvalidRule(
            members.path_of(name),
            "Must be a whole number of seconds, minutes, hours, days or weeks, such as “2 days”.",
        )
    count, unit = int(found[1]), found[2]
    if count == 0 or count > _LONGEST / UNITS[unit]:
        raise InvalidRule(members.path_of(name), "Must be from 1 second to 10 years.")
    return f"{count} {unit}{'s' if count != 1 else ''}"


def duration_of(text: str) -> timedelta:
    """How long “2 days” is; `text` is in its normal form."""
    count, _, unit = text.partition(" ")
    return int(count) * UNITS[unit.removesuffix("s")]


def read_hour(members: Members, name: str) -> str:
    """A time of day such as “09:00”.

    :raises InvalidRule: if it is none
    """
    hour = members.text(name).strip()
    if not _HOUR.fullmatch(hour):
        raise InvalidRule(members.path_of(name), "Must be a time of day, such as “09:00”.")
    return hour


def read_zone(members: Members) -> dict[str, str]:
    """`zone` as a part of the normal form: the name of a time zone, or “contact”.

    :raises InvalidRule: if there is no such zone
    """
    if not members.has("zone"):
        return {}
    zone = members.text("zone", most=100)
    if zone != ZONE_OF_CONTACT and zone not in available_timezones():
        raise InvalidRule(
            members.path_of("zone"),
            "Must be “contact” or the name of a time zone, such as “Europe/Vienna”.",
        )
    return {"zone": zone}


class Wait(StepKind):
    """Waits `for` a time, `until` an hour, or until a `rule` holds, `at_most` for a time."""

    type = "wait"
    title = "Wait"

    def read(self, members: Members) -> dict[str, Any]:
        kinds = [name for name in ("for", "until", "rule") if members.has(name)]
        if len(kinds) != 1:
            raise InvalidRule(
                members.path_of("for"), "Waits for a time, until an hour, or for a rule: give one."
            )
        if kinds == ["for"]:
            return {"for": read_duration(members, "for")}
        if kinds == ["rule"]:
            read: dict[str, Any] = {"rule": read_rule(members, "rule", of_run=True)}
            if members.has("at_most"):
                read["at_most"] = read_duration(members, "at_most")
            return read
        read = {"until": read_hour(members, "until")}
        if members.has("weekdays"):
            days = [day.lower() for day in members.names("weekdays")]
            for number, day in enumerate(days):
                if day not in WEEKDAYS:
                    raise InvalidRule(
                        f"{members.path_of('weekdays')}[{number}]",
                        f"Must be one of: {', '.join(WEEKDAYS)}.",
                    )
            read["weekdays"] = sorted(days, key=WEEKDAYS.index)
        return read | read_zone(members)

    def phrase(self, members: Mapping[str, Any]) -> str:
        if "for" in members:
            return f"Wait {members['for']}"
        if "rule" in members:
            longest = f", at most {members['at_most']}" if "at_most" in members else ""
            return f"Wait until a rule holds{longest}"
        days = [day.capitalize() for day in members.get("weekdays", ())]
        on = f" on {all_of(days)}" if days else ""
        zone = members.get("zone")
        where = " of the contact" if zone == ZONE_OF_CONTACT else f" in {zone}" if zone else ""
        return f"Wait until {members['until']}{on}{where}"


register(Wait())
