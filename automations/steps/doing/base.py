"""What it takes to do a step: runs that are at it go in, and what becomes of each comes out.

Each kind of step has one function, registered for its type. It does the step for many runs at once,
in the transaction that also moves them on, so its effect and the move happen both or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from automations.models import Passage, Run
from automations.steps.base import Step


@dataclass(frozen=True, slots=True)
class Passed:
    """The run passes the step.

    :ivar branch: which way it goes, from 0, if the step has branches
    :ivar by_plan_at: of a step that waits, when the wait was over
    """

    outcome: str = Passage.Outcome.DONE
    branch: int | None = None
    detail: str = ""
    activity_id: int | None = None
    by_plan_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """The run stays at the step and is looked at again `until` then, or when a fact comes."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Ends:
    """The run passes the step, and ends there."""

    status: str = Run.Status.DONE
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Fails:
    """The step cannot be done for this run, which tries again later; `reason` is a sentence."""

    reason: str


Result = Passed | Waits | Ends | Fails
PASSED = Passed()


@dataclass
class Batch:
    """Runs of one version that are at one step. Their contacts are live, and locked."""

    step: Step
    runs: Sequence[Run]
    now: datetime

    def all(self, result: Result) -> dict[int, Result]:
        """The same result for every run."""
        return {run.pk: result for run in self.runs}


class CannotDo(Exception):
    """A step cannot be done for any run; the message is a sentence for a marketer."""


Do = Callable[[Batch], Mapping[int, Result]]
_doings: dict[str, Do] = {}


def does(type: str) -> Callable[[Do], Do]:
    """Have the decorated function do the steps of this type."""

    def register(do: Do) -> Do:
        _doings[type] = do
        return do

    return register


def do(batch: Batch) -> Mapping[int, Result]:
    """Do the step for all runs of the batch; the results are by the ids of runs.

    :raises CannotDo: if it cannot be done for any of them
    """
    return _doings[batch.step.type](batch)
