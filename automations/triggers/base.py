"""The trigger of an automation as data: what lets contacts in.

Each kind derives from `TriggerKind` and is registered once.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from automations.steps.base import InvalidAutomation
from automations.steps.members import read_rule
from groups.conditions.base import Scene
from groups.conditions.members import Members
from groups.formulas import Statement
from groups.names import Kind
from groups.trees import InvalidRule
from readers.logs import Log


@dataclass(frozen=True)
class Trigger:
    """What lets contacts in: its type, and its members in their normal form.

    :ivar rule: which contacts, as groups have it; None lets in all
    """

    type: str
    members: Mapping[str, Any]
    rule: Mapping[str, Any] | None = None


class TriggerKind(ABC):
    """A kind of trigger: how it is read, how it is said, and which rows of a log let contacts in.

    In its SQL, `a` is the table of the log.

    :cvar type: its name in files
    :cvar title: what marketers choose it by
    :cvar log: the log whose rows let contacts in; None: something else does
    :cvar at: SQL of the time of such a row
    :cvar transaction: SQL of the transaction that the row came of
    :cvar event_name: SQL of the event that it is, "" if it is none
    :cvar event_data: SQL of what came with the event
    """

    type: ClassVar[str]
    title: ClassVar[str]
    log: ClassVar[Log | None] = None
    at: ClassVar[str] = "a.at"
    transaction: ClassVar[str] = "a.recorded_in"
    event_name: ClassVar[str] = "''"
    event_data: ClassVar[str] = "''"

    @abstractmethod
    def read(self, members: Members) -> dict[str, Any]:
        """The members in their normal form, without those that have their default.

        :raises InvalidRule: if one is wrong
        """

    @abstractmethod
    def phrase(self, members: Mapping[str, Any]) -> str:
        """What lets contacts in, such as “Enters “loan-interest””."""

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        """The code names that it refers to."""
        return {}

    def criterion(self, members: Mapping[str, Any], scene: Scene) -> Statement | None:
        """SQL that says whether a row of its log lets in; None if none does."""
        return None


_kinds: dict[str, TriggerKind] = {}


def register(kind: TriggerKind) -> None:
    """Let automations have triggers of this kind."""
    _kinds[kind.type] = kind


def kind_of(type: str) -> TriggerKind:
    """The kind of triggers of this type, which there is."""
    return _kinds[type]


def trigger_types() -> list[str]:
    """The types of triggers that there are, in the order in which they were registered."""
    return list(_kinds)


def read_trigger(given: object) -> Trigger:
    """The trigger that JSON or YAML has, checked. What it names need not exist.

    :raises InvalidAutomation: with the place of the first mistake
    """
    try:
        members = Members(given, "trigger", what="a trigger")
        kind = kind_of(members.choice("type", trigger_types()))
        members.what = f"a trigger of type {kind.type}"
        rule = read_rule(members, "rule") if members.has("rule") else None
        read = kind.read(members)
        members.done()
    except InvalidRule as error:
        raise InvalidAutomation(error.path, error.detail) from error
    return Trigger(kind.type, read, rule)


def to_json(trigger: Trigger) -> dict[str, Any]:
    """The normal form of a trigger, as JSON has it."""
    rule = {"rule": dict(trigger.rule)} if trigger.rule is not None else {}
    return {"type": trigger.type, **trigger.members, **rule}
