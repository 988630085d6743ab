"""The reader that keeps how much was recorded, and when contacts and types were last seen."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from activities.logs import ACTIVITIES
from contacts.logs import MERGES, TOUCHED, UNDONE_MERGES
from database.cursors import array_of
from readers.positions import place_of
from readers.reading import Reader, hold, read_next

# For so many days back activities are counted by the quarter of an hour.
COUNTED_DAYS = 31
# What has not been read is counted on the spot up to here: a hub that was just updated has all of
# its log to read.
MOST_UNREAD = 200_000


# One statement for each batch. Rows are taken in one order, as everywhere.
_COUNT = """
WITH batch AS MATERIALIZED (
    SELECT contact_id, type_id, channel_id, occurred_at, recorded_at
    FROM activities_activity WHERE id = ANY(%(ids)s)
), recorded AS (
    INSERT INTO activities_recordedcount AS old (channel_id, hour, count)
    SELECT channel_id, date_trunc('hour', recorded_at, 'UTC'), count(*) FROM batch
    WHERE recorded_at >= %(judged_since)s GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (channel_id, hour) DO UPDATE SET count = old.count + excluded.count
), seen AS (
    INSERT INTO activities_contactseen AS old (contact_id, first_seen, last_seen)
    SELECT contact_id, min(occurred_at), max(occurred_at) FROM batch
    GROUP BY contact_id ORDER BY contact_id
    ON CONFLICT (contact_id) DO UPDATE SET
        first_seen = least(old.first_seen, excluded.first_seen),
        last_seen = greatest(old.last_seen, excluded.last_seen)
    WHERE old.first_seen > excluded.first_seen OR old.last_seen < excluded.last_seen
), used AS (
    INSERT INTO activities_activitytypeuse AS old (type_id, count, last_at)
    SELECT type_id, count(*), max(occurred_at) FROM batch GROUP BY type_id ORDER BY type_id
    ON CONFLICT (type_id) DO UPDATE SET
        count = old.count + excluded.count, last_at = greatest(old.last_at, excluded.last_at)
), forgotten AS (
    DELETE FROM activities_activitycount WHERE quarter < %(since)s
)
INSERT INTO activities_activitycount AS old (quarter, type_id, count)
SELECT date_bin('15 minutes', occurred_at, 'epoch'), type_id, count(*) FROM batch
WHERE occurred_at >= %(since)s GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (quarter, type_id) DO UPDATE SET count = old.count + excluded.count
"""

# By the index of a contact's activities, whatever has been read of them.
_LOOK_AGAIN = """
WITH asked AS (
    SELECT DISTINCT contact_id FROM ({contacts}) AS named (contact_id)
), seen AS MATERIALIZED (
    SELECT asked.contact_id, first.occurred_at AS first_seen, last.occurred_at AS last_seen
    FROM asked,
    LATERAL (
        SELECT occurred_at FROM activities_activity AS activity
        WHERE activity.contact_id = asked.contact_id ORDER BY occurred_at, id LIMIT 1
    ) AS first,
    LATERAL (
        SELECT occurred_at FROM activities_activity AS activity
        WHERE activity.contact_id = asked.contact_id ORDER BY occurred_at DESC, id DESC LIMIT 1
    ) AS last
), gone AS (
    DELETE FROM activities_contactseen
    WHERE contact_id IN (SELECT contact_id FROM asked EXCEPT SELECT contact_id FROM seen)
)
INSERT INTO activities_contactseen (contact_id, first_seen, last_seen)
SELECT contact_id, first_seen, last_seen FROM seen ORDER BY contact_id
ON CONFLICT (contact_id) DO UPDATE SET
    first_seen = excluded.first_seen, last_seen = excluded.last_seen
"""
_OF_MERGES = """
SELECT unnest(ARRAY[survivor_id, loser_id]) FROM contacts_contactmerge WHERE id = ANY(%(ids)s)
"""
_OF_UNDONE = """
SELECT unnest(ARRAY[survivor_id, loser_id]) FROM contacts_undonemerge AS undone
JOIN contacts_contactmerge AS merge ON merge.id = undone.merge_id WHERE undone.id = ANY(%(ids)s)
"""
_OF_TOUCHED = "SELECT contact_id FROM contacts_touched WHERE id = ANY(%(ids)s)"

_FORGET = """
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
UPDATE activities_activitytypeuse AS old SET
    count = greatest(old.count - fewer.count, 0),
    last_at = (
        SELECT occurred_at FROM activities_activity AS activity
        WHERE activity.type_id = old.type_id AND id <> ALL(%s::bigint[])
        ORDER BY occurred_at DESC, id DESC LIMIT 1
    )
FROM (SELECT type_id, count(*) FROM gone GROUP BY 1) AS fewer
WHERE old.type_id = fewer.type_id
"""


def _count(ids: list[int]) -> None:
    now = timezone.now()
    since = now - timedelta(days=COUNTED_DAYS)
    judged_since = now - timedelta(days=settings.REJECTED_KEPT_DAYS)
    _execute(_COUNT, {"ids": ids, "since": since, "judged_since": judged_since})


def _look_again_after_merges(ids: list[int]) -> None:
    _execute(_LOOK_AGAIN.format(contacts=_OF_MERGES), {"ids": ids})


def _look_again_after_undoing(ids: list[int]) -> None:
    _execute(_LOOK_AGAIN.format(contacts=_OF_UNDONE), {"ids": ids})


def _look_again(ids: list[int]) -> None:
    _execute(_LOOK_AGAIN.format(contacts=_OF_TOUCHED), {"ids": ids})


SEEN = Reader(
    "seen",
    {
        ACTIVITIES: _count,
        MERGES: _look_again_after_merges,
        UNDONE_MERGES: _look_again_after_undoing,
        TOUCHED: _look_again,
    },
)


def hold_counts() -> None:
    """Keep what was counted as it is until the end of this transaction; before other locks."""
    hold(SEEN)


def uncount(activity_ids: Collection[int]) -> None:
    """Take these activities, which are deleted next, out of what was counted.

    Call it after `hold_counts`. What the reader has not read yet it will never see.
    """
    ids = array_of(activity_ids)
    unread, params = place_of(SEEN.name, ACTIVITIES).unread()
    _execute(_FORGET.format(unread=unread), [ids, *params, ids])


def catch_up() -> None:
    """Let the reader read all that was committed."""
    while read_next(SEEN):
        pass


def _execute(sql: str, params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
