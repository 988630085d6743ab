"""Paused and archived automations: nobody inside takes a step, however many there are.

The row of the automation says so. Workers look at it before they do steps, under a lock; the
request that pauses waits for that lock. The rows of the runs follow in portions.
"""

from collections.abc import Collection, Iterable
from enum import Enum
from itertools import batched

from django.db import connection, transaction
from django.db.models.functions import Now

from automations.models import Automation, StateChange
from database.cursors import array_of
from jobs.tasks import ring
from jobs.working import stopping

JOB = "automation states"
# The space of numbers of the locks. The server has room for so many only, so some automations
# share one: then a pause waits for the steps of others as well.
_SPACE, _LOCKS = 0x61757401, 64
_HOLD = "SELECT pg_advisory_xact_lock_shared(%s, number) FROM unnest(%s::int[]) AS asked (number)"
_WAIT = "SELECT pg_advisory_xact_lock(%s, %s)"
# So many runs follow in one transaction, and of so many the ids are read at once.
_AT_ONCE, _MOST = 5_000, 100_000
_FIND = "SELECT id FROM automations_run WHERE automation_id = %s AND {those} LIMIT %s"
# Without the ids named twice, the second half would read the whole table.
_CHANGE = """
WITH inside AS MATERIALIZED (
    SELECT id FROM automations_run WHERE id = ANY(%(ids)s::bigint[]) AND {those}
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE automations_run AS run SET {become} FROM inside
WHERE run.id = inside.id AND run.id = ANY(%(ids)s::bigint[])
"""


class State(Enum):
    """What an automation does with those inside: which runs are otherwise, and what they become."""

    GOES_ON = (
        "status = 'paused' AND NOT asks",
        # What happened while they were paused woke nobody, so all are looked at.
        "status = 'running', due_at = now()",
    )
    PAUSED = "status = 'running'", "status = 'paused'"
    ARCHIVED = (
        "status IN ('running', 'paused')",
        "status = 'stopped', asks = false, reason = 'The automation was archived.',"
        " finished_at = clock_timestamp()",
    )


def hold_states(automation_ids: Iterable[int]) -> dict[int, State]:
    """The states of these automations: a request that changes one waits for this transaction.

    Call it before contacts and runs are locked: what waits here then holds up nobody.
    """
    ids = set(automation_ids)
    numbers = sorted({_number(automation_id) for automation_id in ids})
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [_SPACE, numbers])
    rows = Automation.objects.filter(pk__in=ids)
    return {
        pk: State.ARCHIVED if archived_at else State.PAUSED if paused_at else State.GOES_ON
        for pk, archived_at, paused_at in rows.values_list("pk", "archived_at", "paused_at")
    }


@transaction.atomic
def wait_for_steps(automation_id: int) -> None:
    """Return when nobody goes by the state any more that the automation had before.

    Workers that come meanwhile wait behind it: no longer than one transaction of a worker takes.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WAIT, [_SPACE, _number(automation_id)])


def let_runs_follow(automation: Automation) -> None:
    """Have a worker bring the runs inside into the state of their automation."""
    StateChange.objects.create(automation=automation)
    ring(JOB)


def follow(keys: Collection[int]) -> None:
    """Bring runs into the states of their automations, a portion in a transaction."""
    for change in StateChange.objects.filter(pk__in=keys).order_by("pk"):
        _follow(change)


def _follow(change: StateChange) -> None:
    # A worker that has seen another state may just now pause runs by it.
    wait_for_steps(change.automation_id)
    found = _find(change.automation_id)
    for part in batched(found, _AT_ONCE):
        if stopping.is_set():
            return
        _bring(change.automation_id, part)
    if len(found) < _MOST:
        change.delete()
    else:
        StateChange.objects.filter(pk=change.pk).update(due_at=Now())


@transaction.atomic
def _find(automation_id: int) -> list[int]:
    """Runs inside that are otherwise than the state of their automation says."""
    those, _ = hold_states([automation_id])[automation_id].value
    with connection.cursor() as cursor:
        cursor.execute(_FIND.format(those=those), [automation_id, _MOST])
        return [key for (key,) in cursor.fetchall()]


@transaction.atomic
def _bring(automation_id: int, run_ids: Collection[int]) -> None:
    """Bring these runs into the state that their automation has by now."""
    state = hold_states([automation_id])[automation_id]
    those, become = state.value
    with connection.cursor() as cursor:
        sql = _CHANGE.format(those=those, become=become)
        cursor.execute(sql, {"ids": array_of(run_ids)})
    if state is State.GOES_ON:
        ring("runs")


def _number(automation_id: int) -> int:
    return automation_id % _LOCKS
