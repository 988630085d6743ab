"""Looking at contacts again: whether each is in a group now, and what became different."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from database.cursors import array_of
from database.outages import is_away, is_conflict
from groups.compiling import WITHOUT_JIT, of_contacts
from groups.followed import Followed, Group, Groups, followed_groups, with_dependents
from groups.locks import lock_contacts, lock_groups
from groups.models import MembershipEvent
from groups.requesting import stop_following

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a contact is looked at: by what, and its id."""

    cause: MembershipEvent.Cause
    id: int | None = None


# Of each group the contacts to look at.
Wanted = Mapping[int, Mapping[int, Cause]]

# One statement for each group. A due look that comes earlier than needed stays: most activities
# put it off, and would write a row each.
#
# Rows are found by arrays that are there only when the statement runs. So the planner takes the
# index, whose pages are read in order; a join would read all members of the group each time.
_LOOK = """
WITH asked AS MATERIALIZED ({asked}), looked AS MATERIALIZED (
    SELECT contact_id, coalesce(holds, false) AS holds, CASE WHEN due_at > %s THEN due_at
        WHEN due_at IS NOT NULL THEN %s + interval '1 second' END AS due_at
    FROM asked LEFT JOIN ({looked}) AS looked USING (contact_id)
), known AS MATERIALIZED (
    SELECT contact_id FROM groups_membership WHERE group_id = %s
    AND contact_id = ANY(ARRAY(SELECT contact_id FROM looked WHERE holds))
), entered AS (
    INSERT INTO groups_membership (group_id, contact_id, since)
    SELECT %s, contact_id, %s FROM looked
    WHERE holds AND contact_id NOT IN (SELECT contact_id FROM known)
    ORDER BY contact_id
    RETURNING contact_id
), gone AS (
    DELETE FROM groups_membership WHERE group_id = %s
    AND contact_id = ANY(ARRAY(SELECT contact_id FROM looked WHERE NOT holds))
    RETURNING contact_id
), over AS (
    DELETE FROM groups_membershipdue WHERE group_id = %s
    AND contact_id = ANY(ARRAY(SELECT contact_id FROM looked WHERE due_at IS NULL))
), due AS (
    INSERT INTO groups_membershipdue AS old (group_id, contact_id, due_at)
    SELECT %s, contact_id, due_at FROM looked WHERE due_at IS NOT NULL ORDER BY contact_id
    ON CONFLICT (group_id, contact_id) DO UPDATE SET due_at = excluded.due_at
    WHERE excluded.due_at < old.due_at OR old.due_at <= %s
), flipped AS (
    SELECT contact_id, true AS entered FROM entered
    UNION ALL SELECT contact_id, false FROM gone
), kept AS (
    INSERT INTO groups_membershipevent (group_id, contact_id, entered, at, cause, cause_id)
    SELECT %s, contact_id, entered, %s, {cause} FROM {caused}
    ORDER BY contact_id
    RETURNING contact_id
)
SELECT array_agg(contact_id) FROM kept
"""
# Most often all are looked at for one reason; then nothing need be joined to say it.
_FOR_ONE_CAUSE = {
    "asked": "SELECT unnest(%s::bigint[]) AS contact_id",
    "cause": "%s, %s::bigint",
    "caused": "flipped",
}
_FOR_SOME_CAUSES = {
    "asked": (
        "SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[])"
        " AS asked (contact_id, cause, id)"
    ),
    "cause": "cause, id",
    "caused": "flipped JOIN asked USING (contact_id)",
}


def look_again(wanted_of: Callable[[Groups], Wanted]) -> int:
    """Look again at the contacts that `wanted_of` finds for each group; return how many changed.

    Groups that name a group that a contact entered or left are looked at next, in order. Call it
    inside a transaction.
    """
    while True:
        groups = followed_groups()
        wanted = wanted_of(groups)
        if not wanted:
            return 0
        locked = with_dependents(groups, wanted.keys())
        savepoint = transaction.savepoint()
        lock_contacts({contact_id for asked in wanted.values() for contact_id in asked})
        lock_groups(locked)
        # A group may have got another rule meanwhile.
        groups = followed_groups()
        wanted = wanted_of(groups)
        if with_dependents(groups, wanted.keys()) <= locked:
            transaction.savepoint_commit(savepoint)
            return _look_at_all(groups, wanted)
        transaction.savepoint_rollback(savepoint)


def clock() -> datetime:
    """The time by the clock of the database, which all machines share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _look_at_all(groups: Groups, wanted: Wanted) -> int:
    try:
        with transaction.atomic():
            return _look_in_order(groups, wanted, _look)
    except Exception as error:  # of one group: the others must not suffer for it
        if is_away(error) or is_conflict(error):
            raise
    return _look_in_order(groups, wanted, _look_alone)


def _look_in_order(
    groups: Groups,
    wanted: Wanted,
    look: Callable[[Group, Followed, Mapping[int, Cause], datetime], set[int]],
) -> int:
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_JIT)
    now = clock()
    changed: dict[int, set[int]] = {}
    for group in groups.values():
        rule = group.served
        if rule is None:
            continue
        asked: dict[int, Cause] = {}
        for named in sorted(rule.cares.groups & changed.keys()):
            cause = Cause(MembershipEvent.Cause.GROUP, named)
            asked.update(dict.fromkeys(changed[named], cause))
        asked.update(wanted.get(group.id, {}))
        if asked and (found := look(group, rule, asked, now)):
            changed[group.id] = found
    return sum(map(len, changed.values()))


def _look(group: Group, rule: Followed, asked: Mapping[int, Cause], now: datetime) -> set[int]:
    """Look at these contacts for one group; return those who entered or left it."""
    looked = of_contacts(rule.tree, asked, now=now, known=rule.known)
    causes, first = asked.values(), next(iter(asked.values()))
    each, for_all = [array_of(asked)], list[Any]()
    if all(cause is first for cause in causes):
        how, for_all = _FOR_ONE_CAUSE, [first.cause.value, first.id]
    else:
        how = _FOR_SOME_CAUSES
        each.append(array_of(cause.cause.value for cause in causes))
        each.append(array_of("NULL" if cause.id is None else cause.id for cause in causes))
    params = [
        *(*each, now, now, *looked.params),
        *(group.id, group.id, now, group.id, group.id),
        *(group.id, now, group.id, now, *for_all),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_LOOK.format(looked=looked.sql, **how), params)
        return set(cursor.fetchone()[0] or ())


def _look_alone(
    group: Group, rule: Followed, asked: Mapping[int, Cause], now: datetime
) -> set[int]:
    try:
        with transaction.atomic():
            return _look(group, rule, asked, now)
    except Exception as error:  # whatever it is, a build shows it, and is tried again
        if is_away(error) or is_conflict(error):
            raise
        _log.exception("Group %s cannot be followed, and is built anew.", group.id)
        stop_following(group.id)
        return set()
