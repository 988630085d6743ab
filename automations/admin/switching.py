"""Switching an automation on: what it would have done, and the approval of a second person."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.utils import timezone

from automations.admin.actions import Said
from automations.admin.phrases import read_loosely
from automations.approving import CHANGED, approve, ask_to_enable
from automations.dry_run import ASSUMPTIONS, DryRun, dry_run
from automations.models import Automation, Broadcast
from automations.saying import known_by, say_step
from automations.steps import InvalidAutomation, all_steps
from groups.trees import InvalidRule

_BROADCASTS = 10
_TOO_SLOW = "Looking back takes too long at the moment. Try again later."


def switch_on(automation: Automation, by: User, version: int | None) -> Said:
    """Switch the automation on, ask for another user's approval, or give it.

    :param version: which the user has looked at
    """
    if version != automation.version:
        return messages.ERROR, CHANGED
    try:
        if automation.approval_asked_by_id and not automation.enabled:
            approve(automation, by=by)
            return messages.SUCCESS, "Approved: the automation is on."
        if ask_to_enable(automation, by=by):
            return messages.SUCCESS, "The automation is on."
    except ValidationError as error:
        return messages.ERROR, " ".join(error.messages)
    except (InvalidAutomation, InvalidRule) as error:
        return messages.ERROR, str(error)
    text = "So many contacts would enter that another user has to approve. Tell a colleague."
    return messages.WARNING, text


def begins(automation: Automation) -> list[str]:
    """What begins as soon as the automation is on, in sentences: broadcasts that wait for it."""
    waiting = automation.broadcasts.filter(status=Broadcast.Status.WAITING)
    due = waiting.filter(starts_at__lte=timezone.now()).order_by("id")
    return [
        f"A broadcast for {_counted((one.total or 0) - one.reached, 'contact')} begins at once: "
        f"{one.audience}"
        for one in due[:_BROADCASTS]
    ]


@dataclass(frozen=True)
class Looked:
    """A dry run in words."""

    found: DryRun
    by_step: list[tuple[str, int]]

    @property
    def text(self) -> str:
        """Such as “3,120 would have entered, 2,950 emails, 170 without consent”."""
        one = self.found
        parts = [f"{one.entered:,} would have entered", _counted(one.emails, "email")]
        if one.messages:
            parts.append(f"{_counted(one.messages, 'message')} to destinations")
        if one.without_consent:
            parts.append(f"{one.without_consent:,} without consent")
        if one.without_value:
            parts.append(f"{one.without_value:,} without a value")
        return ", ".join(parts)


def looked_back(automation: Automation) -> dict[str, Any]:
    """What the automation would have done in the last 30 days, or why nobody knows."""
    try:
        found = dry_run(automation)
    except (InvalidAutomation, InvalidRule) as error:
        return {"problem": str(error)}
    except OperationalError:  # the database stopped it, for its time
        return {"problem": _TOO_SLOW}
    steps = list(all_steps(read_loosely(automation.steps)))
    known = known_by(steps)
    by_step = [(say_step(step, known), found.by_step.get(step.key, 0)) for step in steps]
    return {"looked": Looked(found, by_step), "assumptions": ASSUMPTIONS}


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
