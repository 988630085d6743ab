"""How many activities of each type there were, by hour or day, without reading all of them."""

from datetime import date, datetime
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from activities.logs import ACTIVITIES
from activities.seen import MOST_UNREAD, SEEN
from readers.positions import place_of

# What the reader has counted, and beside it what it has not read yet: usually of the last second.
_COUNT = """
SELECT date_trunc('hour', quarter, %s), type_id, sum(count) FROM (
    SELECT quarter, type_id, count FROM activities_activitycount
    WHERE quarter >= %s AND quarter <= %s
    UNION ALL
    SELECT date_bin('15 minutes', occurred_at, 'epoch'), type_id, 1 FROM (
        SELECT occurred_at, type_id FROM activities_activity WHERE {unread} LIMIT %s
    ) AS unread
    WHERE occurred_at >= %s AND occurred_at <= %s
) AS counted
GROUP BY 1, 2 HAVING sum(count) > 0
"""


_COUNT_OF_A_TYPE = """
SELECT date_trunc('day', quarter, %s), sum(count) FROM (
    SELECT quarter, count FROM activities_activitycount
    WHERE type_id = %s AND quarter >= %s AND quarter <= %s
    UNION ALL
    SELECT occurred_at, 1 FROM (
        SELECT occurred_at, type_id FROM activities_activity WHERE {unread} LIMIT %s
    ) AS unread
    WHERE type_id = %s AND occurred_at >= %s AND occurred_at <= %s
) AS counted
GROUP BY 1 HAVING sum(count) > 0
"""


class HourlyCount(NamedTuple):
    """How many activities of one type happened within an hour, in the hub's time zone."""

    hour: datetime
    type_id: int
    number: int


def count_by_hour(since: datetime, until: datetime) -> list[HourlyCount]:
    """The activities from the hour of `since` to the quarter of `until`, by hour and type."""
    since = timezone.localtime(since).replace(minute=0, second=0, microsecond=0)
    unread, params = place_of(SEEN.name, ACTIVITIES).unread()
    name = timezone.get_current_timezone_name()
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT.format(unread=unread),
            [name, since, until, *params, MOST_UNREAD, since, until],
        )
        return [
            HourlyCount(timezone.localtime(hour), type_id, int(number))
            for hour, type_id, number in cursor
        ]


def count_by_day(type_id: int, since: datetime, until: datetime) -> dict[date, int]:
    """How many activities of one type there were on each day of the hub's time zone, if any."""
    since = timezone.localtime(since).replace(hour=0, minute=0, second=0, microsecond=0)
    unread, params = place_of(SEEN.name, ACTIVITIES).unread()
    name = timezone.get_current_timezone_name()
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT_OF_A_TYPE.format(unread=unread),
            [name, type_id, since, until, *params, MOST_UNREAD, type_id, since, until],
        )
        return {timezone.localtime(day).date(): int(number) for day, number in cursor}
