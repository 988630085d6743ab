"""Puts very many contacts into static groups at once, as imports do, and takes them out again."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection

from database.cursors import array_of
from groups.locks import lock_groups
from groups.models import MembershipEvent

# Nobody enters a list that is switched off. An entry and its membership are of one moment.
_ENTER = """
WITH entered AS (
    INSERT INTO groups_membership (group_id, contact_id, since)
    SELECT DISTINCT named.id, given.contact_id, now() FROM ({given}) AS given
    JOIN groups_contactgroup AS named
        ON named.id = given.group_id AND named.static AND named.enabled
    ORDER BY 1, 2
    ON CONFLICT (group_id, contact_id) DO NOTHING
    RETURNING group_id, contact_id
)
INSERT INTO groups_membershipevent (group_id, contact_id, entered, at, cause, cause_id, by_id)
SELECT group_id, contact_id, true, now(), %(cause)s, %(import)s, %(by)s::bigint FROM entered
"""
_LEAVE = """
WITH gone AS (
    DELETE FROM groups_membership AS old USING groups_membershipevent AS entry
    WHERE entry.id = ANY(%(entries)s::bigint[]) AND old.group_id = entry.group_id
        AND old.contact_id = entry.contact_id AND old.since = entry.at
    RETURNING old.group_id, old.contact_id
), kept AS (
    INSERT INTO groups_membershipevent (group_id, contact_id, entered, at, cause, cause_id, by_id)
    SELECT gone.group_id, gone.contact_id, false, now(), %(cause)s, %(import)s, %(by)s::bigint
    FROM gone JOIN groups_contactgroup AS named ON named.id = gone.group_id AND named.enabled
)
SELECT count(*) FROM gone
"""
_CAUSE = MembershipEvent.Cause.IMPORT.value


def enter_many(
    given: str,
    params: Mapping[str, Any],
    group_ids: Collection[int],
    *,
    import_id: int,
    by_id: int | None,
) -> int:
    """Put contacts, who are live and locked, into static groups; return how many have entered.

    What is no static group that is switched on is left out. The groups are locked until the
    transaction ends.

    :param given: a query with the columns `contact_id` and `group_id`, of these groups
    """
    lock_groups(group_ids)
    origin: dict[str, Any] = {"cause": _CAUSE, "import": import_id, "by": by_id}
    with connection.cursor() as cursor:
        cursor.execute(_ENTER.format(given=given), {**params, **origin})
        return cursor.rowcount


def take_back_entries(
    entries: Collection[int], group_ids: Collection[int], *, import_id: int, by_id: int | None
) -> int:
    """Take contacts, who are locked, out of these groups, which they came into by these entries.

    Who has left the group since is left as they are, also if they have come back. Return how many
    are out.
    """
    lock_groups(group_ids)
    params: dict[str, Any] = {"entries": array_of(entries), "cause": _CAUSE}
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, {**params, "import": import_id, "by": by_id})
        return cursor.fetchone()[0]
