"""The steps of a version as a flow: which comes first, and which comes after which."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from automations.models import Version
from automations.steps import Step, read_steps
from database.letter_case import fold

# A process remembers so many. Versions are never edited.
_REMEMBERED = 500
_CHANGING = ("set_field", "group")


@dataclass
class Flow:
    """The steps of one version, by their keys. A key of "" stands for the end.

    :ivar number: of the version
    """

    version_id: int
    automation_id: int
    number: int
    steps: Sequence[Step]
    _steps: dict[str, Step] = field(default_factory=dict, init=False, repr=False)
    _positions: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _after: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._walk(self.steps, "")

    @property
    def first(self) -> str:
        """The step that runs begin with."""
        return _first(self.steps, "")

    @property
    def keys(self) -> Sequence[str]:
        """The keys of all steps, in the order of the tree."""
        return list(self._steps)

    @property
    def groups(self) -> set[str]:
        """The code names of the groups that steps change, folded."""
        return {
            fold(step.members.get("add") or step.members["remove"])
            for step in self._steps.values()
            if step.type == "group"
        }

    @property
    def changes_contacts(self) -> bool:
        """Whether a step may change fields or groups of contacts."""
        return any(step.type in _CHANGING for step in self._steps.values())

    @property
    def sends_emails(self) -> bool:
        """Whether a step sends an email."""
        return any(step.type == "email" for step in self._steps.values())

    @property
    def may_be_late(self) -> bool:
        """Whether a step has a rule for when it comes too late."""
        return any("late" in step.members for step in self._steps.values())

    def step(self, key: str) -> Step | None:
        """The step with this key, if this version has it."""
        return self._steps.get(key)

    def position(self, key: str) -> int:
        """Where the step stands in the tree, from 0; no step leads to one before it."""
        return self._positions[key]

    def after(self, key: str) -> str:
        """The step that comes after this one and its branches; after a branch, what follows it."""
        return self._after[key]

    def branch(self, key: str, number: int) -> str:
        """The first step of a branch; of an empty one, the step that comes after all branches."""
        return _first(self._steps[key].branches[number], self._after[key])

    def _walk(self, steps: Sequence[Step], after_all: str) -> None:
        for place, step in enumerate(steps):
            after = steps[place + 1].key if place + 1 < len(steps) else after_all
            self._positions[step.key] = len(self._positions)
            self._steps[step.key], self._after[step.key] = step, after
            for branch in step.branches:
                self._walk(branch, after)


@lru_cache(maxsize=_REMEMBERED)
def flow_of(version_id: int) -> Flow:
    """The flow of a version.

    :raises InvalidAutomation: if a step of it cannot be read any more
    """
    version = Version.objects.get(pk=version_id)
    return Flow(version.pk, version.automation_id, version.number, read_steps(version.steps))


def _first(steps: Sequence[Step], otherwise: str) -> str:
    return steps[0].key if steps else otherwise
