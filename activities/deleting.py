"""Deletes activities and what hangs on them; counts follow. Erasing, retention and undoing use it.

Callers that delete activities call `hold_counts` first, before other locks, and tell readers.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from activities.seen import uncount
from database.cursors import array_of

_RELEASE = """
DELETE FROM activities_activityclaim AS claim USING activities_activity AS activity
WHERE activity.id = ANY(%s::bigint[]) AND claim.channel_id = activity.channel_id
    AND claim.client_id = activity.client_id
"""
_DELETE = """
WITH gone AS MATERIALIZED (
    DELETE FROM activities_activity WHERE id = ANY(%(ids)s::bigint[])
    RETURNING contact_id, occurred_at
), said AS (
    DELETE FROM activities_datainput WHERE activity_id = ANY(%(ids)s::bigint[])
)
SELECT contact_id, count(*), max(occurred_at) FROM gone GROUP BY 1 ORDER BY 1
"""


class Gone(NamedTuple):
    """How many activities of a contact were deleted, and when the newest of them happened."""

    contact_id: int
    activities: int
    last: datetime


def let_go(activity_ids: Collection[int]) -> None:
    """Take these, which are deleted next, out of what was counted; release ids of clients."""
    uncount(activity_ids)
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [array_of(activity_ids)])


def delete_activities(activity_ids: Collection[int]) -> list[Gone]:
    """Delete these activities, whose contacts are locked, and their data inputs.

    Call it inside a transaction. What data inputs gave to contacts stays.
    """
    let_go(activity_ids)
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, {"ids": array_of(activity_ids)})
        return [Gone(*row) for row in cursor.fetchall()]
