"""Deletes activities that should never have been: of an import that is undone.

Counts follow, and so do the readers, by `Touched`.
"""

from collections.abc import Collection

from django.db import connection

from activities.logs import ACTIVITIES
from activities.seen import SEEN, hold_counts
from contacts.touching import touch
from database.cursors import array_of
from readers.positions import place_of

# As forgetting a contact does (`activities.seen`), of single activities.
_UNCOUNT = """
WITH gone AS MATERIALIZED (
    SELECT type_id, occurred_at FROM activities_activity
    WHERE id = ANY(%s::bigint[]) AND NOT ({unread})
), counted AS (
    UPDATE activities_activitycount AS old SET count = greatest(old.count - fewer.count, 0)
    FROM (
        SELECT date_bin('15 minutes', occurred_at, 'epoch') AS quarter, type_id, count(*)
        FROM gone GROUP BY 1, 2
    ) AS fewer
    WHERE old.quarter = fewer.quarter AND old.type_id = fewer.type_id
)
UPDATE activities_activitytypeuse AS old SET count = greatest(old.count - fewer.count, 0)
FROM (SELECT type_id, count(*) FROM gone GROUP BY 1) AS fewer
WHERE old.type_id = fewer.type_id
"""
_LOOK_FOR_LAST = """
UPDATE activities_activitytypeuse AS old SET last_at = (
    SELECT occurred_at FROM activities_activity AS activity
    WHERE activity.type_id = old.type_id ORDER BY occurred_at DESC, id DESC LIMIT 1
)
WHERE type_id = ANY(%s::bigint[])
"""
_RELEASE = """
DELETE FROM activities_activityclaim AS claim USING activities_activity AS activity
WHERE activity.id = ANY(%s::bigint[]) AND claim.channel_id = activity.channel_id
    AND claim.client_id = activity.client_id
"""
_DELETE = """
DELETE FROM activities_activity WHERE id = ANY(%s::bigint[]) RETURNING contact_id, type_id
"""


def remove_activities(activity_ids: Collection[int]) -> int:
    """Delete these activities, whose contacts are locked; return how many there were.

    Call it inside a transaction, after `hold_counts`. Data inputs are deleted with their
    activities; what they gave to contacts stays.
    """
    ids = array_of(activity_ids)
    unread, params = place_of(SEEN.name, ACTIVITIES).unread()
    with connection.cursor() as cursor:
        cursor.execute(_UNCOUNT.format(unread=unread), [ids, *params])
        cursor.execute(_RELEASE, [ids])
        cursor.execute(
            "DELETE FROM activities_datainput WHERE activity_id = ANY(%s::bigint[])", [ids]
        )
        cursor.execute(_DELETE, [ids])
        gone = cursor.fetchall()
        cursor.execute(_LOOK_FOR_LAST, [array_of({type_id for _, type_id in gone})])
    touch(*sorted({contact_id for contact_id, _ in gone}))
    return len(gone)


__all__ = ["hold_counts", "remove_activities"]
