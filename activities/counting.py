"""How many activities of each type there were, by hour, without reading all of them."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Count
from django.db.models.functions import TruncHour
from django.utils import timezone

from activities.models import Activity, ActivityCount
from adminsite.counting import estimated_rows

# For so many days back hours are counted beforehand.
COUNTED_DAYS = 31
# Up to here activities are counted when somebody asks: exactly, and as of that moment.
_FEW = 200_000

_COUNT = """
INSERT INTO activities_activitycount (hour, type_id, count)
SELECT date_trunc('hour', occurred_at, %s) AS hour, type_id, count(*)
FROM activities_activity
WHERE occurred_at >= %s AND occurred_at < %s
GROUP BY 1, 2
"""


class HourlyCount(NamedTuple):
    """How many activities of one type happened within an hour, in the hub's time zone."""

    hour: datetime
    type_id: int
    number: int


def count_by_hour(since: datetime, until: datetime) -> list[HourlyCount]:
    """The activities from the hour of `since` to `until`, by hour and type; two queries.

    On a large log most hours were counted beforehand, and what arrived late is not in them until
    they are counted again.
    """
    since = _start_of_hour(since)
    counted = [
        HourlyCount(timezone.localtime(hour), type_id, count)
        for hour, type_id, count in ActivityCount.objects.filter(
            hour__gte=since, hour__lte=until
        ).values_list("hour", "type_id", "count")
    ]
    if counted:
        since = max(one.hour for one in counted) + timedelta(hours=1)
    rest = (
        Activity.objects.filter(occurred_at__gte=since, occurred_at__lte=until)
        .annotate(hour=TruncHour("occurred_at"))
        .order_by()
        .values_list("hour", "type_id")
        .annotate(count=Count("pk"))
    )
    return [*counted, *(HourlyCount(*row) for row in rest)]


@transaction.atomic
def recount_activities(now: datetime | None = None) -> int:
    """Count the hours that are over anew, if there are many activities; return how many rows."""
    this_hour = _start_of_hour(now or timezone.now())
    ActivityCount.objects.all().delete()
    if estimated_rows(Activity._meta.db_table) <= _FEW:
        return 0
    since = this_hour - timedelta(days=COUNTED_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [timezone.get_current_timezone_name(), since, this_hour])
        return cursor.rowcount


def _start_of_hour(at: datetime) -> datetime:
    return timezone.localtime(at).replace(minute=0, second=0, microsecond=0)
