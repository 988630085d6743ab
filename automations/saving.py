"""Saving automations: what users, files and code do comes here."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from automations import steps as flow
from automations import triggers
from automations.approving import lets_many_in
from automations.models import Automation, Version

# Who else writes these does it under a lock of its own.
_WRITTEN_ELSEWHERE = ("paused_at", "archived_at", "approval_asked_by_id", "approved_by_id")


def save_automation(automation: Automation, *, by: User | None = None) -> None:
    """Check and save an automation; if trigger or steps are others, as its next version.

    Both are kept in their normal form. A step that is given without its key has that of the same
    step at the same place of the version before.

    An approval was of what it was: it is gone if trigger, steps or how often a contact enters are
    others. If a user has changed them, and many would enter by that, the automation waits for a
    second person again. It is never paused, archived or approved by saving; nor, by a user,
    switched on or off.

    :raises InvalidAutomation: if the trigger or a step cannot be
    :raises ValidationError: if something else is wrong, such as a code name that another one has
    """
    automation.trigger = triggers.to_json(triggers.read_trigger(automation.trigger))
    given = automation.steps
    rows = Automation.objects.filter(pk=automation.pk)
    while True:
        seen = rows.first()
        if seen is None and not automation._state.adding:
            raise ValidationError("Another user has deleted this automation meanwhile.")
        known = _with_known_keys(given, seen.steps if seen else [])
        automation.steps = flow.to_json(flow.read_steps(known))
        # This looks at a month of activities, so it comes before the row is locked.
        asks = by is not None and _lets_more_in(automation, seen)
        with transaction.atomic():
            old = rows.select_for_update(no_key=True).first()
            if _decisive(old) == _decisive(seen):
                _save(automation, old, by=by, asks=asks)
                return


def _lets_more_in(automation: Automation, old: Automation | None) -> bool:
    """Whether many enter an automation that is on, as it is now, so that it has to be approved."""
    if old is None or not old.enabled or _what_lets_in(old) == _what_lets_in(automation):
        return False
    return lets_many_in(automation)


def _decisive(automation: Automation | None) -> object:
    """What decides how an automation is saved; another user may change it meanwhile."""
    return automation and (automation.enabled, _what_lets_in(automation))


def _what_lets_in(automation: Automation) -> object:
    return automation.trigger, automation.steps, automation.runs


def _save(automation: Automation, old: Automation | None, *, by: User | None, asks: bool) -> None:
    automation.version = old.version if old else 0
    is_changed = old is None or (old.trigger, old.steps) != (automation.trigger, automation.steps)
    if is_changed:
        automation.version += 1
    if old is not None:
        for name in _WRITTEN_ELSEWHERE if by is None else (*_WRITTEN_ELSEWHERE, "enabled"):
            setattr(automation, name, getattr(old, name))
        if _what_lets_in(old) != _what_lets_in(automation):
            automation.approval_asked_by = automation.approved_by = None
        if asks:
            automation.enabled, automation.approval_asked_by = False, by
    automation.full_clean()
    automation.save(force_insert=old is None, force_update=old is not None)
    if is_changed:
        Version.objects.create(
            automation=automation,
            number=automation.version,
            trigger=automation.trigger,
            steps=automation.steps,
            created_by=by,
        )


def without_keys(node: Any) -> Any:
    """Steps as configuration files have them: runs and counts know them by their keys alone."""
    if isinstance(node, list):
        return [without_keys(one) for one in node]
    if isinstance(node, dict) and node.get("type") in flow.step_types():
        return {name: without_keys(value) for name, value in node.items() if name != "key"}
    return node


def _with_known_keys(given: Any, old: Any) -> Any:
    """The given steps, each that has no key with that of the old step at its place.

    That is a step of the same type; files, which have no keys, are loaded again and again.
    """
    if not isinstance(given, list | tuple) or not isinstance(old, list):
        return given
    known = []
    for number, step in enumerate(given):
        before = old[number] if number < len(old) else {}
        if isinstance(step, dict) and isinstance(before, dict) and "key" not in step:
            if step.get("type") == before.get("type") and "key" in before:
                step = {**step, "key": before["key"]}
            for name in ("then", "else"):
                if name in step:
                    step = {**step, name: _with_known_keys(step[name], before.get(name))}
            if isinstance(step.get("branches"), list):
                olds = before.get("branches") or []
                step = {
                    **step,
                    "branches": [
                        _with_known_keys(branch, olds[place] if place < len(olds) else None)
                        for place, branch in enumerate(step["branches"])
                    ],
                }
        known.append(step)
    return known
