"""What automations name that is switched off, was deleted, or was never seen."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Model

from activities.models import ActivityType
from automations.models import Automation
from automations.naming import Naming, named_by_steps, named_by_trigger
from automations.steps import InvalidAutomation, all_steps, read_steps
from automations.triggers import read_trigger
from database.letter_case import fold
from destinations.models import Destination
from groups.models import ContactGroup
from groups.trees import InvalidRule

_NEVER_SEEN = (
    "No activity of type “{}” was ever seen. One may still come; check how applications spell it."
)
_GONE = "There is no {} “{}”. Choose another."
_DISABLED = {
    ActivityType: "The activity type “{}” is switched off: nothing new is recorded.",
    ContactGroup: "The contact group “{}” is switched off: it has no members.",
    Destination: "The destination “{}” is switched off: it is told nothing.",
}
_NOT_STATIC = "“{}” is a dynamic group: its rule decides who is in it, and no step does."

# By model, what there is of what is named: by code names, folded.
_Found = dict[type[Model], dict[str, Any]]


def problems_of(automation: Automation) -> list[str]:
    """Each in a sentence: what trigger and steps name that there is not, or that is switched off.

    One query for each kind of object that is named.
    """
    try:
        # What was saved by an earlier version of the hub may not be readable any more.
        read_trigger(automation.trigger)
        steps = read_steps(automation.steps)
        named = [*named_by_trigger(automation.trigger), *named_by_steps(automation.steps)]
    except (InvalidAutomation, InvalidRule) as error:
        return [str(error)]
    found = _look_up(named)
    changed = {
        fold(step.members.get("add") or step.members["remove"])
        for step in all_steps(steps)
        if step.type == "group"
    }
    problems = [problem for one in named if (problem := _problem_of(one, found))]
    groups = found.get(ContactGroup, {})
    problems += [
        _NOT_STATIC.format(groups[name].name)
        for name in sorted(changed & groups.keys())
        if not groups[name].static
    ]
    return list(dict.fromkeys(problems))


def _look_up(named: Sequence[Naming]) -> _Found:
    names: dict[type[Model], set[str]] = defaultdict(set)
    for one in named:
        names[one.model].add(fold(one.code_name))
    return {
        model: {fold(row.code_name): row for row in _rows(model, folded)}
        for model, folded in names.items()
    }


def _rows(model: type[Model], folded: set[str]) -> Iterator[Any]:
    yield from model._default_manager.filter(code_name__fold__in=sorted(folded))


def _problem_of(one: Naming, found: _Found) -> str:
    row = found[one.model].get(fold(one.code_name))
    if row is not None:
        disabled = _DISABLED.get(one.model, "")
        return disabled.format(row.name) if disabled and not row.enabled else ""
    if one.model is ActivityType:
        return _NEVER_SEEN.format(one.code_name)
    return _GONE.format(one.model._meta.verbose_name, one.code_name)
