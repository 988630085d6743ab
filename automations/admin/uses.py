"""Which automations and templates name activity types."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from activities.admin.uses import Use, register_uses
from activities.models import ActivityType
from adminsite.formatting import change_url
from automations.admin.permissions import may_see_automations, may_see_templates
from automations.models import Automation, Template
from automations.naming import Naming, named_by_steps, named_by_trigger
from database.letter_case import fold
from groups.admin.uses import properties_in
from groups.trees import InvalidRule

_EVENT = re.compile(r"%[ \t]*event[ \t]*:([^%{}\r\n]{1,300})%", re.IGNORECASE)


def _automations() -> Iterator[tuple[str, Use]]:
    for automation in Automation.objects.filter(archived_at=None).order_by("name", "pk"):
        by_trigger = _types_in(named_by_trigger, automation.trigger)
        by_steps = _types_in(named_by_steps, automation.steps)
        asked = _asked_for([automation.trigger, automation.steps])
        for key, code_name in (by_steps | by_trigger).items():
            yield (
                code_name,
                Use(
                    kind="Automation",
                    name=automation.name,
                    effect=_effect(automation, by_trigger=key in by_trigger),
                    url=change_url(automation),
                    properties=tuple(asked.get(key, ())),
                ),
            )


def _effect(automation: Automation, *, by_trigger: bool) -> str:
    if not automation.enabled:
        return "Is switched off."
    if by_trigger:
        return "Nobody enters by this type any more."
    return "Steps that log it fail, and rules of steps count nothing new."


def _types_in(find: Callable, members: object) -> dict[str, str]:
    """The types that the trigger or the steps of an automation name, by their folded names."""
    try:
        found: list[Naming] = list(find(members))
    except (InvalidRule, LookupError):  # of a kind that is gone
        return {}
    return {fold(one.code_name): one.code_name for one in found if one.model is ActivityType}


def _asked_for(members: object) -> Mapping[str, Iterable[str]]:
    """The properties that conditions anywhere in `members` ask for, by the folded type."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    waiting = [members]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.get("properties"):
                for code_name in one.get("activities") or ():
                    found[fold(code_name)] |= dict.fromkeys(properties_in(one))
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def _templates() -> Iterator[tuple[str, Use]]:
    for template in Template.objects.order_by("name", "pk"):
        texts = json.dumps(
            [template.subject, template.preheader, template.blocks], ensure_ascii=False
        )
        named = {fold(name): name for name in map(str.strip, _EVENT.findall(texts))}
        for code_name in named.values():
            yield (
                code_name,
                Use(
                    kind="Email template",
                    name=template.name,
                    effect="Fills in what was recorded last.",
                    url=change_url(template),
                ),
            )


register_uses(may_see=may_see_automations, find=_automations)
register_uses(may_see=may_see_templates, find=_templates)
