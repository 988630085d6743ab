"""Letting runs go different ways."""

import hashlib
from collections.abc import Sequence
from itertools import accumulate

from automations.models import Passage
from automations.steps.doing.base import Batch, Passed, Result, does
from automations.steps.doing.rules import ask_rule

_THEN = Passed(Passage.Outcome.THEN, branch=0)
_ELSE = Passed(Passage.Outcome.ELSE, branch=1)


@does("if")
def ask(batch: Batch) -> dict[int, Result]:
    """Runs for whose contacts the rule holds go `then`, the others `else`."""
    answers = ask_rule(batch.step.members["rule"], batch.runs, batch.now)
    return {run_id: _THEN if holds else _ELSE for run_id, (holds, _) in answers.items()}


@does("split")
def split(batch: Batch) -> dict[int, Result]:
    """Each run goes into a branch by chance."""
    shares = batch.step.members["shares"]
    ways = [Passed(branch=number) for number in range(len(shares))]
    return {run.pk: ways[draw(run.pk, batch.step.key, shares)] for run in batch.runs}


def draw(run_id: int, key: str, shares: Sequence[int]) -> int:
    """The branch that chance has for a run at a step; the same whenever it is asked."""
    drawn = int.from_bytes(hashlib.sha256(f"{key}:{run_id}".encode()).digest()[:8]) % 100
    return next(number for number, most in enumerate(accumulate(shares)) if drawn < most)
