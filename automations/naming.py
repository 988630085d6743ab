"""What automations name by code names: templates, groups and so on, also in their rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from activities.models import ActivityType
from automations.models import Template
from automations.triggers import kind_of
from destinations.models import Destination
from groups.conditions import condition_of
from groups.models import ContactGroup
from groups.names import model_of
from groups.problems import paths_of
from groups.rules import parse


@dataclass(frozen=True)
class Naming:
    """That a trigger or a step names an object of a model.

    :ivar path: where, such as `steps[1].then[0].template`
    """

    path: str
    model: type[Model]
    code_name: str


# By type of steps, the members that are a code name.
_OF_STEPS: dict[str, dict[str, type[Model]]] = {
    "email": {"template": Template},
    "log_activity": {"activity": ActivityType},
    "group": {"add": ContactGroup, "remove": ContactGroup},
    "destination": {"destination": Destination},
}


def named_by_trigger(trigger: Mapping[str, Any]) -> Iterator[Naming]:
    """What a trigger in its normal form names."""
    for kind, code_names in kind_of(trigger["type"]).names(trigger).items():
        for code_name in code_names:
            yield Naming("trigger", model_of(kind), code_name)
    yield from _named_by_rule(trigger, "trigger")


def named_by_steps(steps: Sequence[Mapping[str, Any]], path: str = "steps") -> Iterator[Naming]:
    """What steps in their normal form name, those of branches included."""
    for number, step in enumerate(steps):
        place = f"{path}[{number}]"
        for member, model in _OF_STEPS.get(step["type"], {}).items():
            if member in step:
                yield Naming(f"{place}.{member}", model, step[member])
        yield from _named_by_rule(step, place)
        for name in ("then", "else"):
            yield from named_by_steps(step.get(name, ()), f"{place}.{name}")
        for branch, inner in enumerate(step.get("branches", ())):
            yield from named_by_steps(inner, f"{place}.branches[{branch}]")


def _named_by_rule(node: Mapping[str, Any], path: str) -> Iterator[Naming]:
    if "rule" not in node:
        return
    for place, leaf in paths_of(parse(node["rule"], of_run=True)):
        for kind, code_names in condition_of(leaf.type).names(leaf.members).items():
            for code_name in code_names:
                yield Naming(f"{path}.rule.{place}", model_of(kind), code_name)
