"""Moves runs on through their steps, in the transaction of the caller."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from django.db import connection, transaction

from automations.flow import Flow, flow_of
from automations.models import Passage, Run
from automations.steps import InvalidAutomation, Step
from automations.steps.doing import Batch, CannotDo, Ends, Fails, Passed, Result, Waits, do
from automations.steps.doing.rules import entries_of
from automations.steps.waiting import duration_of
from database.lookups import Among
from jobs.working import pause_after

_ADD_PASSAGES = """
INSERT INTO automations_passage
    (run_id, automation_id, step, outcome, branch, detail, at, activity_id)
SELECT run, automation, step, outcome, branch, detail, %s, activity_id
FROM json_to_recordset(%s) AS passed (run bigint, automation bigint, step text, outcome text,
    branch int, detail text, activity_id bigint)
"""
_WRITE_RUNS = """
UPDATE automations_run AS run SET status = new.status, step = new.step, reason = new.reason,
    step_since = new.step_since, due_at = new.due_at, finished_at = new.finished_at,
    asks = new.asks, attempts = least(new.attempts, 32767), last_error = new.last_error
FROM json_to_recordset(%s) AS new (id bigint, status text, step text, reason text,
    step_since timestamptz, due_at timestamptz, finished_at timestamptz, asks bool,
    attempts int, last_error text)
WHERE run.id = new.id
"""
_WRITTEN = (
    *("id", "status", "step", "reason", "step_since", "due_at", "finished_at", "asks"),
    *("attempts", "last_error"),
)


class _PassedStep(msgspec.Struct):
    run: int
    automation: int
    step: str
    outcome: str
    branch: int | None
    detail: str
    activity_id: int | None


@dataclass
class Moves:
    """The moves of locked runs, whose contacts are live and locked.

    Runs of one version that are at one step do it together. Steps come in the order of the tree, so
    runs that went different ways do what follows the branches together again.
    """

    now: datetime
    _at: dict[tuple[int, str], list[Run]] = field(default_factory=lambda: defaultdict(list))
    _passed: list[_PassedStep] = field(default_factory=list)
    _moved: list[Run] = field(default_factory=list)

    def make(self, runs: Sequence[Run]) -> None:
        """Have these runs do their steps until each waits, fails or is over; write that."""
        self._moved = list(runs)
        for run in runs:
            self._at[run.version_id, run.step].append(run)
        while self._at:
            version_id, key = min(self._at, key=_place)
            self._do(version_id, key, self._at.pop((version_id, key)))
        self._write()

    def _do(self, version_id: int, key: str, runs: list[Run]) -> None:
        try:
            flow = flow_of(version_id)
        except InvalidAutomation as error:
            self._fail(runs, f"The steps cannot be read: {error}")
            return
        if key == flow.first and flow.may_be_late:
            _plan_from_the_beginning(runs)
        if not key:
            for run in runs:
                self._end(run, "", Run.Status.DONE)
            return
        step = flow.step(key)
        if step is None:
            self._fail(runs, "This version of the automation has no such step.")
            return
        runs = self._in_time(flow, step, self._without_passed(flow, step, runs))
        if not runs:
            return
        batch = Batch(step, runs, self.now)
        try:
            with transaction.atomic():
                results = do(batch)
        except CannotDo as problem:
            self._fail(runs, str(problem))
            return
        for run in runs:
            self._follow(flow, step, run, results[run.pk])

    def _without_passed(self, flow: Flow, step: Step, runs: list[Run]) -> list[Run]:
        """Those that have not passed the step in an earlier version, whose order was another."""
        if flow.number == 1:
            return runs
        passages = Passage.objects.filter(Among("run", [run.pk for run in runs]), step=step.key)
        passed = set(passages.values_list("run", flat=True))
        for run in runs:
            if run.pk in passed:
                self._go(run, flow, flow.after(step.key), run.step_since)
        return [run for run in runs if run.pk not in passed]

    def _in_time(self, flow: Flow, step: Step, runs: list[Run]) -> list[Run]:
        """Those that do the step; the others come too late, and skip it or ask a user."""
        late = step.members.get("late")
        if not late or not runs:
            return runs
        latest = self.now - duration_of(late["after"])
        too_late = [run for run in runs if run.step_since < latest]
        in_time = [run for run in runs if run.step_since >= latest]
        for run in too_late:
            self._be_late(flow, step, run, late["then"])
        return in_time

    def _be_late(self, flow: Flow, step: Step, run: Run, then: str) -> None:
        said = f"It was planned for {run.step_since:%Y-%m-%d %H:%M} UTC."
        if then == "skip":
            self._follow(flow, step, run, Passed(Passage.Outcome.SKIPPED, detail=said))
            return
        run.status, run.asks = Run.Status.PAUSED, True
        run.step, run.reason = step.key, f"Is it too late for this step? {said}"

    def _follow(self, flow: Flow, step: Step, run: Run, result: Result) -> None:
        match result:
            case Waits(until):
                run.step, run.due_at = step.key, until
                run.attempts, run.last_error = 0, ""
            case Fails(reason):
                self._fail([run], reason)
            case Ends(status, reason, detail):
                self._pass(run, step, Passage.Outcome.DONE, detail=detail)
                self._end(run, step.key, status, reason)
            case Passed(outcome, branch, detail, activity_id, by_plan_at):
                self._pass(run, step, outcome, branch, detail, activity_id)
                go_to = flow.after(step.key) if branch is None else flow.branch(step.key, branch)
                self._go(run, flow, go_to, by_plan_at or run.step_since)

    def _go(self, run: Run, flow: Flow, key: str, planned_at: datetime) -> None:
        """Let a run come to a step. One that waits begins now, the others were planned for then."""
        step = flow.step(key)
        run.step, run.attempts, run.last_error = key, 0, ""
        run.step_since = self.now if step and step.type == "wait" else planned_at
        self._at[run.version_id, key].append(run)

    def _pass(
        self,
        run: Run,
        step: Step,
        outcome: str,
        branch: int | None = None,
        detail: str = "",
        activity_id: int | None = None,
    ) -> None:
        self._passed.append(
            _PassedStep(run.pk, run.automation_id, step.key, outcome, branch, detail, activity_id)
        )

    def _end(self, run: Run, key: str, status: str, reason: str = "") -> None:
        run.status, run.step, run.reason, run.finished_at = status, key, reason, self.now
        run.attempts, run.last_error = 0, ""

    def _fail(self, runs: Sequence[Run], reason: str) -> None:
        for run in runs:
            run.attempts += 1
            run.last_error = reason
            run.due_at = self.now + pause_after(run.attempts)

    def _write(self) -> None:
        runs = [{name: getattr(run, name) for name in _WRITTEN} for run in self._moved]
        with connection.cursor() as cursor:
            if self._passed:
                cursor.execute(_ADD_PASSAGES, [self.now, _json(self._passed)])
            cursor.execute(_WRITE_RUNS, [_json(runs)])


def _plan_from_the_beginning(runs: Sequence[Run]) -> None:
    """Have runs that have just been let in be planned for when what let them in was recorded."""
    new = [run for run in runs if run.step_since == run.entered_at]
    for run, entry in zip(new, entries_of(new).values(), strict=True):
        run.step_since = min(entry.at, run.step_since)


def _place(at: tuple[int, str]) -> tuple[int, int]:
    """Where a step of a version stands, so that the first comes first; the end comes last."""
    version_id, key = at
    try:
        flow = flow_of(version_id)
    except InvalidAutomation:
        return version_id, 0
    return version_id, flow.position(key) if flow.step(key) else len(flow.keys)


def _json(rows: Sequence[object]) -> str:
    return msgspec.json.encode(rows).decode()
