"""The steps of an automation as data: read from JSON or YAML, checked, and written again.

Each kind of step derives from `StepKind` and is registered once.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groups.conditions.members import Members
from groups.trees import InvalidRule

MOST_STEPS = 200
MOST_DEEP = 8


class InvalidAutomation(ValueError):
    """A trigger or step that cannot be; `path` says where, such as `steps[1].then[0].for`."""

    def __init__(self, path: str, detail: str):
        super().__init__(f"{path}: {detail}" if path else detail)
        self.path, self.detail = path, detail


@dataclass(frozen=True)
class Step:
    """One step.

    :ivar key: what runs and counts know the step by; it stays the same in later versions
    :ivar members: its members in their normal form, but for the key and the branches
    :ivar branches: of a step that has any, the steps of each branch, in order
    """

    key: str
    type: str
    members: Mapping[str, Any]
    branches: tuple[tuple["Step", ...], ...] = ()


class StepKind(ABC):
    """A kind of step: how it is read, and how it is said.

    :cvar type: its name in files
    :cvar title: what marketers choose it by
    """

    type: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def read(self, members: Members) -> dict[str, Any]:
        """The members in their normal form, without those that have their default.

        :raises InvalidRule: if one is wrong
        """

    def branches(self, members: Members) -> list[tuple[str, Any]]:
        """Of a step with branches, the path and the steps of each, as they are given."""
        return []

    def with_branches(self, branches: list[list[dict[str, Any]]]) -> dict[str, Any]:
        """The members that branches are in JSON."""
        return {}

    @abstractmethod
    def phrase(self, members: Mapping[str, Any]) -> str:
        """What the step does, in a few words, such as “Wait 2 days”."""


_kinds: dict[str, StepKind] = {}


def register(kind: StepKind) -> None:
    """Let automations have steps of this kind."""
    _kinds[kind.type] = kind


def kind_of(type: str) -> StepKind:
    """The kind of steps of this type, which there is."""
    return _kinds[type]


def step_types() -> list[str]:
    """The types of steps that there are, in the order in which they were registered."""
    return list(_kinds)


def read_steps(given: object) -> tuple[Step, ...]:
    """The steps that JSON or YAML has, checked; those without a key get one.

    What they name, such as templates or groups, need not exist.

    :raises InvalidAutomation: with the place of the first mistake
    """
    try:
        return _Reading().steps(given, "steps", 1)
    except InvalidRule as error:
        raise InvalidAutomation(error.path, error.detail) from error


def to_json(steps: Collection[Step], *, with_keys: bool = True) -> list[dict[str, Any]]:
    """The normal form of steps, as JSON has it."""
    return [
        {
            **({"key": step.key} if with_keys else {}),
            "type": step.type,
            **step.members,
            **kind_of(step.type).with_branches(
                [to_json(branch, with_keys=with_keys) for branch in step.branches]
            ),
        }
        for step in steps
    ]


def all_steps(steps: Collection[Step]) -> Iterator[Step]:
    """Every step, those of branches after the step that has them."""
    for step in steps:
        yield step
        for branch in step.branches:
            yield from all_steps(branch)


class _Reading:
    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._count = 0

    def steps(self, given: object, path: str, depth: int) -> tuple[Step, ...]:
        if not isinstance(given, list | tuple):
            raise InvalidRule(path, "Must be a list of steps.")
        if depth > MOST_DEEP:
            raise InvalidRule(path, f"Branches are at most {MOST_DEEP} levels deep.")
        return tuple(
            self._step(one, f"{path}[{number}]", depth) for number, one in enumerate(given)
        )

    def _step(self, given: object, path: str, depth: int) -> Step:
        self._count += 1
        if self._count > MOST_STEPS:
            raise InvalidRule("steps", f"An automation has at most {MOST_STEPS} steps.")
        members = Members(given, path, what="a step")
        kind = kind_of(members.choice("type", step_types()))
        members.what = f"a step of type {kind.type}"
        key = members.text("key", most=20) if members.has("key") else ""
        # A copied step is another one.
        while not key or key in self._keys:
            key = secrets.token_hex(4)
        self._keys.add(key)
        read = kind.read(members)
        branches = kind.branches(members)
        members.done()
        return Step(
            key,
            kind.type,
            read,
            tuple(self.steps(inner, place, depth + 1) for place, inner in branches),
        )
