"""Telling destinations as a step."""

from collections.abc import Mapping, Sequence
from typing import Any

from automations.models import Automation, Passage, Run
from automations.steps.doing.base import PASSED, Batch, CannotDo, Passed, Result, does
from destinations.facts import Fact, activity_facts
from destinations.finding import find_destination
from destinations.making import add_deliveries
from destinations.models import Delivery

SWITCHED_OFF = "The destination is switched off."


@does("destination")
def tell_destination(batch: Batch) -> dict[int, Result]:
    """A destination is told that the contacts came to the step, as far as it may know of them.

    The message waits in the queue of the destination, and the run goes on.
    """
    name = batch.step.members["destination"]
    destination = find_destination(name)
    if destination is None:
        raise CannotDo(f"There is no destination “{name}”.")
    if not destination.enabled:
        return batch.all(Passed(Passage.Outcome.SKIPPED, detail=SWITCHED_OFF))
    facts = _facts(batch)
    not_sent = add_deliveries([(destination, list(facts.values()))])
    results: dict[int, Result] = {}
    for run_id, fact in facts.items():
        reason = not_sent.get((destination.pk, fact.source))
        results[run_id] = Passed(Passage.Outcome.SKIPPED, detail=reason) if reason else PASSED
    return results


def _facts(batch: Batch) -> dict[int, Fact]:
    """By run what is told of it; a few queries for all."""
    automations = Automation.objects.in_bulk({run.automation_id for run in batch.runs})
    activities = activity_facts(_activity_ids(batch.runs))
    facts = {}
    for run in batch.runs:
        automation = automations[run.automation_id]
        activity = activities.get(run.cause_id or 0) if _is_by_activity(run) else None
        whole = activity.data if activity else None
        rest = activity.without_personal if activity else None
        facts[run.pk] = Fact(
            f"run:{run.pk}:{batch.step.key}",
            Delivery.Kind.AUTOMATION,
            run.contact_id,
            batch.now,
            _data(automation, run, whole),
            None if rest is None else _data(automation, run, rest),
        )
    return facts


def _data(automation: Automation, run: Run, activity: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "automation": automation.code_name,
        "name": automation.name,
        "run": run.pk,
        "activity": activity,
    }


def _activity_ids(runs: Sequence[Run]) -> set[int]:
    return {run.cause_id for run in runs if _is_by_activity(run) and run.cause_id}


def _is_by_activity(run: Run) -> bool:
    return run.cause == Run.Cause.ACTIVITY
