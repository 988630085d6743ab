"""What a condition is: how it is read, what it comes to in SQL, and how it is said in English.

To add one, derive from `Condition` and `register` an instance; `groups/conditions/__init__.py`
imports the modules of this app, apps above import their own when they are ready.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from groups.conditions.members import Members
from groups.formulas import Formula, Statement, negated
from groups.names import Kind, Known
from groups.trees import Leaf


@dataclass(frozen=True)
class Scene:
    """What conditions need to know to be put into SQL: the time, and what names stand for."""

    now: datetime
    known: Known


class Condition(ABC):
    """One type of condition.

    :cvar type: its name in rules
    :cvar title: what marketers choose it by
    """

    type: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def read(self, members: Members) -> dict[str, Any]:
        """The members in their normal form, without those that have their default.

        :raises InvalidRule: if one is wrong
        """

    @abstractmethod
    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        """The formula of the contacts for whom it holds."""

    def negation(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        """The same with `negate`: by default, of all others."""
        return negated(self.formula(members, scene))

    @abstractmethod
    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        """What it says of a contact, such as “is not from Austria”."""

    def evidence(self, members: Mapping[str, Any], scene: Scene) -> Sequence[Statement]:
        """Queries for the rows behind the answer about the contact `s.contact_id`.

        Each gives one row at most: what kind it is of, its id, its time, a short text, and how
        many such rows there are, counted as far as the condition asks for.
        """
        return ()

    def told(self, members: Mapping[str, Any], text: str) -> str:
        """What a row of `evidence` with this text says."""
        return text

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        """The code names that it refers to."""
        return {}

    def looks(self, members: Mapping[str, Any]) -> int:
        """How many things it looks at, one by one."""
        return 1

    def fields(self, members: Mapping[str, Any]) -> Collection[str]:
        """The fields of contacts that it looks at."""
        return ()

    def any_activity(self, members: Mapping[str, Any]) -> bool:
        """Whether activities of every type matter."""
        return False

    def current_texts(self, members: Mapping[str, Any]) -> bool:
        """Whether it matters which texts of a consent are current."""
        return False


_conditions: dict[str, Condition] = {}


def register(condition: Condition) -> None:
    """Let rules have conditions of this type."""
    _conditions[condition.type] = condition


def condition_of(type: str) -> Condition:
    """The condition of this type, which there is."""
    return _conditions[type]


def condition_types() -> list[str]:
    """The types of all conditions, in the order in which they were registered."""
    return list(_conditions)


def formula_of(leaf: Leaf, scene: Scene) -> Formula:
    """The formula of the contacts for whom `leaf` holds."""
    condition = condition_of(leaf.type)
    put = condition.negation if leaf.negate else condition.formula
    return put(leaf.members, scene)
