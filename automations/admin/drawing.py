"""What the editor begins with: trigger and steps, and what stands on their cards."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from automations.admin.counting import counts_of, on_cards
from automations.admin.forms import AutomationForm, json_of
from automations.admin.phrases import read_loosely, rules_in, sentence_of
from automations.models import Automation
from automations.steps import InvalidAutomation, all_steps


def drawn(
    request: HttpRequest, form: AutomationForm, automation: Automation | None
) -> dict[str, Any]:
    """Trigger and steps as the form has them, what their cards say, and what is wrong."""
    trigger, steps = _value(form, "trigger", {"type": "manual"}), _value(form, "steps", [])
    invalid = form.invalid
    return {
        "trigger": trigger,
        "steps": steps,
        "sentences": dict(_sentences(steps)),
        "counts": _counts(request, automation, steps),
        "invalid": invalid and {"path": invalid.path, "detail": invalid.detail},
    }


def _counts(request: HttpRequest, automation: Automation | None, steps: Any) -> dict[str, Any]:
    if automation is None:
        return {}
    keys = [step.key for step in all_steps(read_loosely(steps))]
    return on_cards(request, automation, counts_of(automation, keys))


def _value(form: AutomationForm, name: str, otherwise: Any) -> Any:
    """What the field has, also if that is wrong; `otherwise` if the editor could not show it."""
    value = form[name].value()
    try:
        found = json_of(value, name) if isinstance(value, str) else value
    except InvalidAutomation:
        return otherwise
    if name == "steps":
        return found if _can_be_shown(found) else otherwise
    return found if isinstance(found, dict) and isinstance(found.get("type"), str) else otherwise


def _can_be_shown(steps: Any) -> bool:
    """Whether these are steps, as far as the editor must know it; no browser sends others."""
    if not isinstance(steps, list):
        return False
    return all(isinstance(step, dict) and _has_lists(step) for step in steps)


def _has_lists(step: dict[str, Any]) -> bool:
    if not isinstance(step.get("type"), str):
        return False
    if step["type"] == "split" and not (
        isinstance(step.get("shares"), list) and isinstance(step.get("branches"), list)
    ):
        return False
    lists = [step[name] for name in ("then", "else") if name in step]
    lists += step.get("branches", []) if step["type"] == "split" else []
    return all(map(_can_be_shown, lists))


def _sentences(steps: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for key, rule in rules_in(steps):
        yield key, sentence_of(rule)
