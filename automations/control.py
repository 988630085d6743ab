"""What users do with automations and the contacts inside: pause, archive, copy, stop, move.

Runs are locked in the order of their ids, so two of these, or one and a reader that wakes runs,
never wait in a circle.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from automations.flow import Flow, flow_of
from automations.models import Automation, Broadcast, Passage, Run, Version
from automations.pausing import let_runs_follow, wait_for_steps
from automations.saving import save_automation, without_keys
from database.lookups import Among
from jobs.tasks import ring

_INSIDE = (Run.Status.RUNNING, Run.Status.PAUSED)
_LONGEST_NAME = 200
_STOP = """
WITH inside AS MATERIALIZED (
    SELECT id FROM automations_run WHERE {column} = %s AND status IN ('running', 'paused')
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE automations_run AS run
SET status = 'stopped', asks = false, reason = %s, finished_at = clock_timestamp()
FROM inside WHERE run.id = inside.id
"""
_HOLD = """
WITH prepared AS MATERIALIZED (
    SELECT email.id FROM automations_email AS email
    JOIN automations_run AS run ON run.id = email.run_id
    WHERE run.broadcast_id = %s AND email.status = 'prepared'
    ORDER BY email.id FOR NO KEY UPDATE OF email
)
UPDATE automations_email AS email SET status = 'held', reason = %s
FROM prepared WHERE email.id = prepared.id
"""
# A run that asks about a step which is gone goes on with the next.
_MOVE = """
WITH inside AS MATERIALIZED (
    SELECT id, step FROM automations_run
    WHERE version_id = %s AND status IN ('running', 'paused') ORDER BY id FOR NO KEY UPDATE
)
UPDATE automations_run AS run SET version_id = %s, step = way.leads_to,
    step_since = CASE WHEN way.leads_to = way.step THEN run.step_since ELSE clock_timestamp() END,
    due_at = now(), attempts = 0, last_error = '',
    asks = run.asks AND way.leads_to = way.step,
    status = CASE WHEN run.asks AND way.leads_to <> way.step THEN 'running'
        ELSE run.status END
FROM inside JOIN unnest(%s::text[], %s::text[]) AS way (step, leads_to) USING (step)
WHERE run.id = inside.id
"""


class CannotMove(ValueError):
    """Runs cannot be moved between these versions; the message is a sentence for a user."""


@dataclass(frozen=True)
class Move:
    """Where the runs that are at one step go.

    :ivar leads_to: the same step, if the other version has it; else the next that it has, "" is
        the end
    """

    step: str
    leads_to: str
    runs: int


def pause(automation: Automation) -> None:
    """Let nobody inside take a step, from now on until it is resumed."""
    with transaction.atomic():
        rows = Automation.objects.filter(pk=automation.pk, paused_at=None)
        rows.update(paused_at=timezone.now())
        let_runs_follow(automation)
    wait_for_steps(automation.pk)
    automation.refresh_from_db(fields=["paused_at"])


@transaction.atomic
def resume(automation: Automation) -> None:
    """Let those inside go on. Late steps follow their rules."""
    Automation.objects.filter(pk=automation.pk).update(paused_at=None)
    automation.paused_at = None
    let_runs_follow(automation)


def archive(automation: Automation) -> None:
    """Put an automation away: nobody enters or takes a step, and a worker ends the runs inside."""
    with transaction.atomic():
        now = timezone.now()
        rows = Automation.objects.filter(pk=automation.pk, archived_at=None)
        rows.update(enabled=False, archived_at=now, approval_asked_by=None)
        waiting = [Broadcast.Status.WAITING, Broadcast.Status.UNAPPROVED]
        Broadcast.objects.filter(automation=automation, status__in=waiting).update(
            status=Broadcast.Status.STOPPED, finished_at=now
        )
        let_runs_follow(automation)
    wait_for_steps(automation.pk)
    automation.refresh_from_db(fields=["enabled", "archived_at", "approval_asked_by"])


def copy_automation(automation: Automation, by: User | None = None) -> Automation:
    """A new automation with the same trigger and steps, switched off."""
    ending = " (copy)"
    copy = Automation(
        name=automation.name[: _LONGEST_NAME - len(ending)] + ending,
        code_name=_free_code_name(automation.code_name),
        description=automation.description,
        runs=automation.runs,
        trigger=automation.trigger,
        steps=without_keys(automation.steps),
    )
    save_automation(copy, by=by)
    return copy


@transaction.atomic
def stop_run(run: Run, reason: str) -> bool:
    """Have one run end where it is; return whether it was not over yet."""
    stopped = _execute(_STOP.format(column="id"), [run.pk, reason])
    run.refresh_from_db()
    return bool(stopped)


@transaction.atomic
def stop_runs_of_contact(contact_id: int, reason: str) -> int:
    """Have the runs of a live contact end where they are; return how many were not over yet."""
    return _execute(_STOP.format(column="contact_id"), [contact_id, reason])


@transaction.atomic
def stop_runs_of(broadcast: Broadcast) -> int:
    """Have the runs of a broadcast end where they are; return how many were not over yet.

    Emails that it has prepared are held back, also those of runs that are over.
    """
    reason = "The broadcast was stopped."
    stopped = _execute(_STOP.format(column="broadcast_id"), [broadcast.pk, reason])
    _execute(_HOLD, [broadcast.pk, reason])
    return stopped


def preview_move(from_version: Version, to_version: Version) -> list[Move]:
    """Where the runs in one version would go in another, in the order of their steps.

    :raises CannotMove: if the other version is not a newer one of the same automation
    """
    old, new = _flows(from_version, to_version)
    inside = Run.objects.filter(version=from_version, status__in=_INSIDE).order_by()
    counts = dict(inside.values_list("step").annotate(Count("pk")))
    ways = _ways(old, new)
    return [Move(step, ways[step], counts[step]) for step in ways if step in counts]


@transaction.atomic
def move_runs(from_version: Version, to_version: Version) -> int:
    """Have the runs in one version go on in another; return how many that are.

    A run stays at its step, and waits there as the other version says, counted from when it came.
    Where the step is gone, it goes to the next that is left, or ends.

    :raises CannotMove: if the other version is not a newer one of the same automation
    """
    ways = _ways(*_flows(from_version, to_version))
    params = [from_version.pk, to_version.pk, list(ways), list(ways.values())]
    ring("runs")
    return _execute(_MOVE, params)


@transaction.atomic
def decide_about_late(run_ids: Collection[int], *, skip: bool) -> int:
    """Have runs that ask about a late step do it now, or skip it; return how many asked."""
    rows = Run.objects.select_for_update(no_key=True, of=("self",)).select_related("automation")
    runs = list(rows.filter(Among("pk", run_ids), asks=True).order_by("pk"))
    now = timezone.now()
    passages = []
    for run in runs:
        if skip:
            passages.append(
                Passage(
                    run=run,
                    automation=run.automation,
                    step=run.step,
                    outcome=Passage.Outcome.SKIPPED,
                    detail="A user decided that it was too late.",
                    at=now,
                )
            )
            run.step = flow_of(run.version_id).after(run.step)
        run.asks, run.reason, run.step_since, run.due_at = False, "", now, now
        # If the automation is paused, the worker that looks at it pauses it.
        run.status = Run.Status.RUNNING
    Passage.objects.bulk_create(passages)
    fields = ["step", "asks", "reason", "step_since", "due_at", "status"]
    Run.objects.bulk_update(runs, fields, batch_size=500)
    ring("runs")
    return len(runs)


def _flows(from_version: Version, to_version: Version) -> tuple[Flow, Flow]:
    if from_version.automation_id != to_version.automation_id:
        raise CannotMove("These are versions of two automations.")
    if to_version.number <= from_version.number:
        raise CannotMove("Contacts move to a newer version only.")
    return flow_of(from_version.pk), flow_of(to_version.pk)


def _ways(old: Flow, new: Flow) -> Mapping[str, str]:
    """Of each step of the old flow, and of the end, where it leads to in the new one."""
    ways = {}
    for key in old.keys:
        leads_to = key
        while leads_to and new.step(leads_to) is None:
            leads_to = old.after(leads_to)
        ways[key] = leads_to
    return {**ways, "": ""}


def _free_code_name(code_name: str) -> str:
    taken = {name.lower() for name in Automation.objects.values_list("code_name", flat=True)}
    number = 1
    while True:
        ending = "-copy" if number == 1 else f"-copy-{number}"
        name = code_name[: _LONGEST_NAME - len(ending)] + ending
        if name.lower() not in taken:
            return name
        number += 1


def _execute(sql: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount
