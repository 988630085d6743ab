"""The conditions that rules are made of, one class each; this registers those of groups."""

from groups.conditions import answers, doings, groups, profile
from groups.conditions.base import (
    Condition,
    Scene,
    condition_of,
    condition_types,
    formula_of,
    register,
)

__all__ = [
    "Condition",
    "Scene",
    "answers",
    "condition_of",
    "condition_types",
    "doings",
    "formula_of",
    "groups",
    "profile",
    "register",
]
