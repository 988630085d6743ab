"""Runs that a user lets go on at once, whatever they wait for."""

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from automations.control import decide_about_late
from automations.flow import flow_of
from automations.models import Passage, Run
from automations.pausing import State, hold_states
from database.lookups import Among
from jobs.tasks import ring

_DETAIL = "A user let it go on."


@transaction.atomic
def go_on_now(run_ids: Collection[int]) -> int:
    """Have runs go on without waiting; return how many did that.

    A wait is skipped, a step that failed is tried again, and one that came too late is done all the
    same. Paused runs stay where they are.

    :raises InvalidAutomation: if the steps of a run cannot be read
    """
    given = Run.objects.filter(Among("pk", run_ids))
    states = hold_states(given.values_list("automation", flat=True))
    asking = decide_about_late(run_ids, skip=False)
    rows = given.select_for_update(no_key=True, of=("self",))
    running = rows.filter(status=Run.Status.RUNNING).order_by("pk")
    runs = [run for run in running if states[run.automation_id] is State.GOES_ON]
    now = timezone.now()
    passages = []
    for run in runs:
        flow = flow_of(run.version_id)
        step = flow.step(run.step)
        if step is not None and step.type == "wait":
            passages.append(
                Passage(
                    run=run,
                    automation_id=run.automation_id,
                    step=run.step,
                    outcome=Passage.Outcome.SKIPPED,
                    detail=_DETAIL,
                    at=now,
                )
            )
            run.step, run.step_since = flow.after(run.step), now
        run.due_at = now
    # A run may have passed the wait in an earlier version, from which it was moved.
    Passage.objects.bulk_create(passages, ignore_conflicts=True)
    Run.objects.bulk_update(runs, ["step", "step_since", "due_at"], batch_size=500)
    ring("runs")
    return max(asking, len(runs))
