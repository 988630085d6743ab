"""Dates that come round: contacts enter on the day, or some days before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import batched
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from automations.entering import Entry, enter_all, meant
from automations.models import Automation, Run
from automations.steps import InvalidAutomation
from automations.steps.waiting import ZONE_OF_CONTACT
from automations.triggers import read_trigger
from automations.zones import zones_of
from groups.looking import clock

# The zones of contacts are from UTC-12 to UTC+14.
_DAYS_AROUND = (-1, 0, 1)
_AT_ONCE = 5_000
# Contacts who were born on such a day and may enter in this year.
_BORN = """
SELECT contact.id FROM contacts_contact AS contact
WHERE contact.merged_into_id IS NULL AND contact.birthday IS NOT NULL
    AND EXTRACT(MONTH FROM contact.birthday) = %(month)s
    AND EXTRACT(DAY FROM contact.birthday) = ANY(%(days)s) AND NOT EXISTS (
        SELECT FROM automations_run AS run
        WHERE run.contact_id = contact.id AND run.automation_id = %(automation)s
            AND (run.cause = 'date' AND run.cause_id = %(year)s OR %(runs)s = 'once'
                OR %(runs)s = 'if_not_running' AND run.status IN ('running', 'paused'))
    ) AND (
        SELECT count(*) FROM automations_run AS run
        WHERE run.contact_id = contact.id AND run.automation_id = %(automation)s
            AND run.entered_at > now() - interval '24 hours'
    ) < 10
ORDER BY contact.id
"""


@dataclass(frozen=True)
class _Occasion:
    """A day on which contacts enter an automation from an hour on.

    :ivar born: the birthday in this year, which may be some days later
    """

    automation: Automation
    day: date
    at: time
    born: date

    def is_now(self, zone: str, now: datetime) -> bool:
        """Whether it is this day in a zone, and the hour has come since it was switched on."""
        place = ZoneInfo(zone)
        begins = datetime.combine(self.day, self.at, place)
        since = self.automation.enabled_at
        is_day = now.astimezone(place).date() == self.day
        return is_day and begins <= now and (since is None or begins >= since)


def let_in_by_dates() -> None:
    """Let the contacts in whose date has come: once in a year, and only on the day itself."""
    now = clock()
    for automation in Automation.objects.filter(enabled=True, trigger__type="date").order_by("pk"):
        for occasion, zone in _occasions(automation, now):
            _let_in(occasion, zone, now)


def _occasions(automation: Automation, now: datetime) -> Iterator[tuple[_Occasion, str]]:
    try:
        members = read_trigger(automation.trigger).members
    except InvalidAutomation:
        return
    zone = members.get("zone", settings.TIME_ZONE)
    today = now.astimezone(ZoneInfo("UTC" if zone == ZONE_OF_CONTACT else zone)).date()
    for days in _DAYS_AROUND if zone == ZONE_OF_CONTACT else (0,):
        day = today + timedelta(days=days)
        born = day + timedelta(days=members["days_before"])
        yield _Occasion(automation, day, time.fromisoformat(members["at"]), born), zone


def _let_in(occasion: _Occasion, zone: str, now: datetime) -> None:
    if zone != ZONE_OF_CONTACT and not occasion.is_now(zone, now):
        return
    for asked in batched(_born(occasion), _AT_ONCE):
        if zone == ZONE_OF_CONTACT:
            zones = zones_of(asked)
            asked = tuple(
                one for one in asked if occasion.is_now(zones.get(one, settings.TIME_ZONE), now)
            )
        # Before they are locked: those who are not meant come round every few seconds.
        if are_meant := meant(occasion.automation, asked):
            entries = [Entry(one, Run.Cause.DATE, occasion.born.year) for one in sorted(are_meant)]
            enter_all({occasion.automation.pk: entries})


def birthdays_on(day: date) -> list[int]:
    """The days of the month whose birthdays are on this day: who was born on the 29th of February
    has it on the 28th in other years.
    """
    is_last = (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3
    return [28, 29] if is_last else [day.day]


def _born(occasion: _Occasion) -> list[int]:
    day = occasion.born
    params: dict[str, Any] = {
        "month": day.month,
        "days": birthdays_on(day),
        "year": day.year,
        "automation": occasion.automation.pk,
        "runs": occasion.automation.runs,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BORN, params)
        return [key for (key,) in cursor.fetchall()]
