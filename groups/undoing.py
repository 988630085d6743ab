"""Places in static groups, when a merge is undone.

The reader that followed the merge gave the loser's places to the survivor, and kept that as entries
and exits: by those they are given back. Who is in dynamic groups it looks at again.
"""

from typing import Any

from django.db import connection

from contacts.returning import LINE
from contacts.undoing import Part, Told, Undoing, register_part
from groups.locks import lock_all_groups

# A chain of merges may have been read together: then the place of one who had been merged into the
# loser went to the survivor at once. Events of merges that were undone since do not count.
_PLACES = f"""{LINE}, undone AS (
    SELECT merge_id AS id FROM contacts_undonemerge WHERE merge_id <> %(merge)s
), lost AS (
    SELECT DISTINCT event.group_id, event.at
    FROM groups_membershipevent AS event
    JOIN line ON line.id = event.contact_id
    JOIN groups_contactgroup AS named ON named.id = event.group_id AND named.static
    WHERE NOT event.entered AND event.cause = 'merge' AND event.at >= %(merged_at)s
        AND (event.cause_id = %(merge)s OR EXISTS (
            SELECT FROM groups_membershipevent AS taken
            WHERE taken.group_id = event.group_id AND taken.contact_id = %(survivor)s
                AND taken.entered AND taken.cause = 'merge' AND taken.at = event.at
                AND taken.cause_id = event.cause_id
        ))
)
"""  # noqa: S608 -- of texts of our own
_COUNT = "SELECT count(DISTINCT group_id) FROM lost"
# The survivor leaves if nothing but the merge has brought it in.
_GIVE_BACK = """, left_by AS (
    DELETE FROM groups_membership AS old USING lost
    WHERE old.group_id = lost.group_id AND old.contact_id = %(survivor)s
        AND NOT coalesce((
            SELECT earlier.entered FROM groups_membershipevent AS earlier
            WHERE earlier.group_id = lost.group_id AND earlier.contact_id = %(survivor)s
                AND earlier.at < lost.at
            ORDER BY earlier.at DESC, earlier.id DESC LIMIT 1
        ), false)
        AND NOT EXISTS (
            SELECT FROM groups_membershipevent AS later
            WHERE later.group_id = lost.group_id AND later.contact_id = %(survivor)s
                AND later.at > lost.at AND NOT (
                    later.cause IN ('merge', 'undo')
                    AND later.cause_id IN (SELECT id FROM undone)
                )
        )
        AND NOT EXISTS (
            SELECT FROM groups_membershipevent AS another
            WHERE another.group_id = lost.group_id AND NOT another.entered
                AND another.cause = 'merge' AND another.at = lost.at
                AND another.contact_id NOT IN (SELECT id FROM line)
                AND another.cause_id NOT IN (SELECT id FROM undone)
                AND another.contact_id <> %(survivor)s
        )
    RETURNING old.group_id
), entered AS (
    INSERT INTO groups_membership (group_id, contact_id, since)
    SELECT DISTINCT group_id, %(loser)s, now() FROM lost
    ON CONFLICT (group_id, contact_id) DO NOTHING
    RETURNING group_id
), changed AS (
    SELECT group_id, %(survivor)s AS contact_id, false AS entered FROM left_by
    UNION ALL SELECT group_id, %(loser)s, true FROM entered
)
INSERT INTO groups_membershipevent (group_id, contact_id, entered, at, cause, cause_id)
SELECT group_id, contact_id, changed.entered, clock_timestamp(), 'undo', %(merge)s FROM changed
JOIN groups_contactgroup AS named ON named.id = group_id AND named.enabled
"""


def register() -> None:
    """Have undoing a merge do it."""
    register_part(Part(count=_count, do=_give_back))


def _count(undoing: Undoing) -> Told:
    with connection.cursor() as cursor:
        cursor.execute(_PLACES + _COUNT, _params(undoing))
        (count,) = cursor.fetchone()
    return Told(restored={"places in static groups": count} if count else {})


def _give_back(undoing: Undoing) -> None:
    # As long as the reader of merges has them all, it may be giving a place away.
    lock_all_groups()
    with connection.cursor() as cursor:
        cursor.execute(_PLACES + _GIVE_BACK, _params(undoing))


def _params(undoing: Undoing) -> dict[str, Any]:
    return {
        "merge": undoing.merge.pk,
        "merged_at": undoing.merge.finished_at,
        "survivor": undoing.survivor.pk,
        "loser": undoing.loser.pk,
        "first": undoing.loser.pk,
    }
