"""Doing the steps of automations, for many runs at once."""

from automations.steps.doing import acts, branching, destinations, emails, logs, waiting
from automations.steps.doing.base import (
    PASSED,
    Batch,
    CannotDo,
    Ends,
    Fails,
    Passed,
    Result,
    Waits,
    do,
    does,
)

__all__ = [
    "PASSED",
    "Batch",
    "CannotDo",
    "Ends",
    "Fails",
    "Passed",
    "Result",
    "Waits",
    "acts",
    "branching",
    "destinations",
    "do",
    "does",
    "emails",
    "logs",
    "waiting",
]
