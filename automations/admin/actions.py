"""What the buttons on the page of an automation do."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from adminsite.permissions import user_of
from automations import approving, control
from automations.models import Automation

type Said = tuple[int, str]


def switch_off(automation: Automation, by: User) -> Said:
    """Let nobody enter any more."""
    Automation.objects.filter(pk=automation.pk).update(
        enabled=False, approval_asked_by=None, approved_by=None
    )
    return messages.SUCCESS, "Nobody enters any more. Contacts who are inside go on."


def take_back(automation: Automation, by: User) -> Said:
    """Wait for nobody's approval any more."""
    approving.take_back(automation)
    return messages.SUCCESS, "The automation stays off, and nobody is asked to approve."


def pause(automation: Automation, by: User) -> Said:
    """Let nobody inside move."""
    control.pause(automation)
    return messages.SUCCESS, "Paused. Contacts inside stay where they are."


def resume(automation: Automation, by: User) -> Said:
    """Let those inside go on."""
    control.resume(automation)
    return messages.SUCCESS, "Contacts inside go on. Steps that come late follow their rules."


def archive(automation: Automation, by: User) -> Said:
    """Put the automation away."""
    control.archive(automation)
    return messages.SUCCESS, "Archived. Contacts inside leave the automation."


ACTIONS: dict[str, Callable[[Automation, User], Said]] = {
    "switch-off": switch_off,
    "take-back": take_back,
    "pause": pause,
    "resume": resume,
    "archive": archive,
}


def act(request: HttpRequest, automation: Automation, name: str) -> Said:
    """Do what a button says; a message and its level."""
    try:
        return ACTIONS[name](automation, user_of(request))
    except ValidationError as error:
        return messages.ERROR, " ".join(error.messages)
