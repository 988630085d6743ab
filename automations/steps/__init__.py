"""The steps that automations are made of, one class each."""

from automations.steps import acts, branching, waiting
from automations.steps.base import (
    InvalidAutomation,
    Step,
    StepKind,
    all_steps,
    kind_of,
    read_steps,
    register,
    step_types,
    to_json,
)

__all__ = [
    "InvalidAutomation",
    "Step",
    "StepKind",
    "acts",
    "all_steps",
    "branching",
    "kind_of",
    "read_steps",
    "register",
    "step_types",
    "to_json",
    "waiting",
]
