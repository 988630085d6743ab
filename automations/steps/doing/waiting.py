"""Waiting: for a time, until an hour, until a rule holds.

What is waited for is found out anew whenever a run is looked at, from the time at which it came to
the step: so a worker may look too early or twice, and a run that was moved to another version waits
as that says.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from automations.models import Passage
from automations.steps.doing.base import Batch, Passed, Result, Waits, does
from automations.steps.doing.rules import ask_rule
from automations.steps.waiting import ZONE_OF_CONTACT, duration_of
from automations.zones import end_of_wait, zones_of

# When a run is looked at again whose rule no time will turn. Facts wake it at once; this is for
# names that come to stand for something else.
_LOOK_AGAIN = timedelta(days=1)


@does("wait")
def wait(batch: Batch) -> dict[int, Result]:
    """Runs whose wait is over pass."""
    members = batch.step.members
    if "rule" in members:
        return _until_rule(batch, members)
    if "for" in members:
        length = duration_of(members["for"])
        ends = {run.pk: run.step_since + length for run in batch.runs}
    else:
        ends = _until_hour(batch, members)
    return {run_id: _until(end, batch.now) for run_id, end in ends.items()}


def _until(end: datetime, now: datetime) -> Result:
    return Passed(by_plan_at=end) if end <= now else Waits(end)


def _until_hour(batch: Batch, members: Mapping[str, Any]) -> dict[int, datetime]:
    zone = members.get("zone", settings.TIME_ZONE)
    zones: Mapping[int, str] = {}
    if zone == ZONE_OF_CONTACT:
        zones = zones_of({run.contact_id for run in batch.runs})
        zone = settings.TIME_ZONE
    days = members.get("weekdays", ())
    return {
        run.pk: end_of_wait(run.step_since, members["until"], days, zones.get(run.contact_id, zone))
        for run in batch.runs
    }


def _until_rule(batch: Batch, members: Mapping[str, Any]) -> dict[int, Result]:
    answers = ask_rule(members["rule"], batch.runs, batch.now)
    most = duration_of(members["at_most"]) if "at_most" in members else None
    results: dict[int, Result] = {}
    for run in batch.runs:
        holds, due_at = answers[run.pk]
        deadline = run.step_since + most if most else None
        if holds:
            results[run.pk] = Passed(Passage.Outcome.THEN, by_plan_at=batch.now)
        elif deadline and deadline <= batch.now:
            results[run.pk] = Passed(Passage.Outcome.TIMEOUT, by_plan_at=deadline)
        else:
            looks = [batch.now + _LOOK_AGAIN, *filter(None, (due_at, deadline))]
            results[run.pk] = Waits(max(min(looks), batch.now + timedelta(seconds=1)))
    return results
