"""Steps after which contacts go different ways."""

from collections.abc import Mapping
from typing import Any

from automations.steps.base import StepKind, register
from automations.steps.members import read_rule
from groups.conditions.members import Members
from groups.trees import InvalidRule

_MOST_BRANCHES = 10


class If(StepKind):
    """Goes `then` if a rule holds, `else` if not."""

    type = "if"
    title = "If"

    def read(self, members: Members) -> dict[str, Any]:
        return {"rule": read_rule(members, "rule", of_run=True)}

    def branches(self, members: Members) -> list[tuple[str, Any]]:
        return [
            (members.path_of(name), members.list_of(name) if members.has(name) else [])
            for name in ("then", "else")
        ]

    def with_branches(self, branches: list[list[dict[str, Any]]]) -> dict[str, Any]:
        return dict(zip(("then", "else"), branches, strict=True))

    def phrase(self, members: Mapping[str, Any]) -> str:
        return "If a rule holds"


class Split(StepKind):
    """Lets chance decide; `shares` are percentages. An empty branch is a control group."""

    type = "split"
    title = "Split at random"

    def read(self, members: Members) -> dict[str, Any]:
        shares = members.list_of("shares")
        path = members.path_of("shares")
        if not 2 <= len(shares) <= _MOST_BRANCHES:
            raise InvalidRule(path, f"Has from 2 to {_MOST_BRANCHES} shares.")
        for number, share in enumerate(shares):
            if isinstance(share, bool) or not isinstance(share, int) or not 0 <= share <= 100:
                raise InvalidRule(f"{path}[{number}]", "Must be a whole number from 0 to 100.")
        if sum(shares) != 100:
            raise InvalidRule(path, f"Must add up to 100; these are {sum(shares)}.")
        return {"shares": shares}

    def branches(self, members: Members) -> list[tuple[str, Any]]:
        branches = members.list_of("branches")
        path = members.path_of("branches")
        if len(branches) != len(members.list_of("shares")):
            raise InvalidRule(path, "There must be as many branches as shares.")
        return [(f"{path}[{number}]", steps) for number, steps in enumerate(branches)]

    def with_branches(self, branches: list[list[dict[str, Any]]]) -> dict[str, Any]:
        return {"branches": branches}

    def phrase(self, members: Mapping[str, Any]) -> str:
        return f"Split {' : '.join(map(str, members['shares']))}"


for _kind in (If(), Split()):
    register(_kind)
