"""Hours of the day in the time zones of contacts."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.db import connection

from automations.steps.waiting import WEEKDAYS
from database.cursors import array_of

# A run that comes to “until 09:00” before ten goes on at once.
_HOUR = timedelta(hours=1)
# Of a contact with many activities, the zone is looked for in so many of the newest.
_MOST = 200
_ZONES = """
SELECT asked.id, found.zone FROM unnest(%s::bigint[]) AS asked (id) CROSS JOIN LATERAL (
    SELECT newest.zone FROM (
        SELECT properties #>> '{context,device,timezone}' AS zone, occurred_at, id
        FROM activities_activity AS one WHERE one.contact_id = asked.id
        ORDER BY occurred_at DESC, id DESC LIMIT %s
    ) AS newest WHERE newest.zone IS NOT NULL ORDER BY newest.occurred_at DESC, newest.id DESC
    LIMIT 1
) AS found
"""


def zones_of(contact_ids: Collection[int]) -> dict[int, str]:
    """The time zone that a device of each contact said last, of those where one said a real one."""
    with connection.cursor() as cursor:
        cursor.execute(_ZONES, [array_of(sorted(contact_ids)), _MOST])
        found = cursor.fetchall()
    known = available_timezones()
    return {contact_id: zone for contact_id, zone in found if zone in known}


def end_of_wait(since: datetime, hour: str, weekdays: Sequence[str], zone: str) -> datetime:
    """When a wait that begins at `since` is over: at this hour on one of these days (none: any).

    It is `since` itself if that is within sixty minutes after the hour. An hour that the clocks
    skip is the same time after it; of one that comes twice, it is the first.
    """
    place = ZoneInfo(zone)
    at = time.fromisoformat(hour)
    # From the day before: sixty minutes after 23:30 are on the next day.
    first = since.astimezone(place).date() - timedelta(days=1)
    for days in range(9):
        day = first + timedelta(days=days)
        if weekdays and WEEKDAYS[day.weekday()] not in weekdays:
            continue
        moment = datetime.combine(day, at, place).astimezone(UTC)
        if moment + _HOUR > since:
            return max(moment, since)
    raise AssertionError("One of nine days is every weekday.")
