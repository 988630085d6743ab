"""What triggers and steps say, with the names of what they name by code names."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from automations.conditions import TEMPLATE
from automations.steps import Step
from automations.steps import kind_of as kind_of_step
from automations.triggers import Trigger
from automations.triggers import kind_of as kind_of_trigger
from destinations.models import Destination
from groups.conditions import condition_of
from groups.names import Kind, Known, Names, look_up, register_names
from groups.rules import InvalidRule, parse
from groups.sentences import predicate

DESTINATION = Kind("destination")
register_names(
    DESTINATION,
    Names(
        Destination,
        missing="There is no destination “{}” any more. Choose another.",
        of_rules=False,
    ),
)
_A_RULE = "a rule holds"
# By type, the members that are code names, or lists of them.
_OF_STEPS: dict[str, dict[str, Kind]] = {
    "email": {"template": TEMPLATE},
    "log_activity": {"activity": Kind.ACTIVITY_TYPE},
    "group": {"add": Kind.GROUP, "remove": Kind.GROUP},
    "destination": {"destination": DESTINATION},
}
_OF_TRIGGERS: dict[str, dict[str, Kind]] = {
    "activity": {"activities": Kind.ACTIVITY_TYPE},
    "group": {"group": Kind.GROUP},
    "consent": {"consent": Kind.CONSENT},
}


def known_by(steps: Iterable[Step], trigger: Trigger | None = None) -> Known:
    """What all names in these steps and the trigger stand for, in one query for each kind."""
    names: dict[Kind, set[str]] = defaultdict(set)
    for step in steps:
        _collect(names, step.members, _OF_STEPS.get(step.type, {}))
    if trigger is not None:
        _collect(names, trigger.members, _OF_TRIGGERS.get(trigger.type, {}))
    return look_up(names)


def say_trigger(trigger: Trigger, known: Known) -> str:
    """What lets contacts in, in a few words, without the rule of the trigger."""
    members = _with_names(trigger.members, _OF_TRIGGERS.get(trigger.type, {}), known)
    return kind_of_trigger(trigger.type).phrase(members)


def say_step(step: Step, known: Known) -> str:
    """What a step does, such as “If the contact is from Austria”; if incomplete, its kind."""
    kind = kind_of_step(step.type)
    if not step.members and step.type != "stop":
        return kind.title
    said = kind.phrase(_with_names(step.members, _OF_STEPS.get(step.type, {}), known))
    if "rule" not in step.members:
        return said
    try:
        rule = f"the contact {predicate(parse(step.members['rule'], of_run=True), known)}"
    except InvalidRule as error:
        return f"{said}: {error}"
    return said.replace(_A_RULE, rule, 1)


def _collect(
    names: dict[Kind, set[str]], members: Mapping[str, Any], kinds: Mapping[str, Kind]
) -> None:
    for member, kind in kinds.items():
        if member in members:
            value = members[member]
            names[kind].update([value] if isinstance(value, str) else value)
    if "rule" not in members:
        return
    try:
        leaves = parse(members["rule"], of_run=True).leaves()
    except InvalidRule:
        return
    for leaf in leaves:
        for kind, code_names in condition_of(leaf.type).names(leaf.members).items():
            names[kind].update(code_names)


def _with_names(
    members: Mapping[str, Any], kinds: Mapping[str, Kind], known: Known
) -> dict[str, Any]:
    named = dict(members)
    for member in kinds.keys() & members.keys():
        kind, value = kinds[member], members[member]
        is_one = isinstance(value, str)
        titles = [known.title(kind, name) for name in ([value] if is_one else value)]
        named[member] = titles[0] if is_one else titles
    return named
