"""What time alone changes: contacts whose windows end, and rules whose names mean something new."""

import logging
import time

from django.db import connection, transaction

from database.cursors import array_of
from groups.followed import Groups, followed_groups, meaning_of, what_names_stand_for
from groups.locks import lock_contacts, lock_groups, try_lock_sweep
from groups.looking import Cause, Wanted, look_again
from groups.models import ContactGroup, MembershipEvent
from groups.planner import reading_by_indexes
from groups.requesting import request_missing_build, stop_following
from jobs.working import stopping

_log = logging.getLogger(__name__)

# So few that the reader, which may need the same groups, waits for a fraction of a second; so many
# that what is asked once for all of them costs little.
BATCH = 20_000
# So many looks a second at most by one worker, if more are due: recording needs the processors as
# well. A hundred thousand windows that end together are over within five seconds, and none is late
# by more.
_LOOKS_A_SECOND = 21_000

# The clock of the database, which all machines share.
_DUE = """
SELECT group_id, array_agg(contact_id) FROM (
    SELECT group_id, contact_id FROM groups_membershipdue
    WHERE due_at <= (SELECT clock_timestamp()) ORDER BY due_at LIMIT %s
) AS due GROUP BY group_id
"""
_FORGET = """
DELETE FROM groups_membershipdue AS due
USING unnest(%s::bigint[], %s::bigint[]) AS gone (group_id, contact_id)
WHERE due.group_id = gone.group_id AND due.contact_id = gone.contact_id AND due.group_id NOT IN (
    SELECT id FROM groups_contactgroup WHERE served_rule IS NOT NULL
)
"""
_WINDOW = Cause(MembershipEvent.Cause.WINDOW)
_BUILT = ("pk", "version", "built_at", "built_meaning")
# The builds whose meaning this process has compared with what names stand for.
_compared: frozenset[tuple] = frozenset()


def sweep(seconds: float) -> bool:
    """Look at the contacts that are due until none is; tell whether that was so within `seconds`.

    If the worker is told to end, or another one is at it, nothing is left to do here.
    """
    until = time.monotonic() + seconds
    while True:
        began_at = time.monotonic()
        if sweep_once() < BATCH:
            return True
        rest = began_at + BATCH / _LOOKS_A_SECOND - time.monotonic()
        if stopping.wait(max(rest, 0.0)):
            return True
        if time.monotonic() > until:
            return False


def sweep_once() -> int:
    """Look at the contacts that have been due longest; return how many looks were due.

    If another worker is at it, that is none.
    """
    # Most often nothing is due: a lock would cost more than the look.
    if not _find_due(1):
        return 0
    with transaction.atomic():
        if not try_lock_sweep():
            return 0
        with connection.cursor() as cursor, reading_by_indexes(cursor):
            # Or it may read and sort all that is due, again for each batch.
            due = _find_due(BATCH)
        looked_at: Wanted = {}

        def wanted(groups: Groups) -> Wanted:
            nonlocal looked_at
            looked_at = {
                group_id: asked
                for group_id, asked in due.items()
                if group_id in groups and groups[group_id].served
            }
            return looked_at

        look_again(wanted)
        _forget(
            [
                (group_id, contact_id)
                for group_id in due.keys() - looked_at.keys()
                for contact_id in due[group_id]
            ]
        )
    return sum(map(len, due.values()))


def _find_due(most: int) -> dict[int, dict[int, Cause]]:
    """By group the contacts that have been due longest, at most so many looks."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [most])
        return {group_id: dict.fromkeys(ids, _WINDOW) for group_id, ids in cursor.fetchall()}


def compare_meanings() -> None:
    """Ask for builds of groups whose rules have names that stand for something else now.

    A consent has a new text, say, or there is an activity type with the name.
    """
    global _compared
    names = what_names_stand_for()
    groups = ContactGroup.objects.filter(enabled=True, static=False)
    built = {
        pk: (names, pk, version, built_at, meaning)
        for pk, version, built_at, meaning in groups.values_list(*_BUILT)
    }
    missing = [pk for pk, key in built.items() if key not in _compared]
    followed = followed_groups() if missing else {}
    for pk in missing:
        group = followed.get(pk)
        if group and group.is_broken:
            _log.error("The rule of group %s cannot be read any more.", pk)
            with transaction.atomic():
                stop_following(pk)
        elif group and group.served and built[pk][-1] != meaning_of(group.served):
            request_missing_build(pk)
    _compared = frozenset(built.values())


def _forget(pairs: list[tuple[int, int]]) -> None:
    """Forget looks for groups that follow no rule any more."""
    if not pairs:
        return
    group_ids, contact_ids = zip(*pairs, strict=True)
    lock_contacts(contact_ids)
    lock_groups(set(group_ids))
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [array_of(group_ids), array_of(contact_ids)])
