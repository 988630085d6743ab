"""What automations and their emails are made of."""

from automations.models.automations import Automation, StateChange, Version
from automations.models.broadcasts import Broadcast
from automations.models.emails import Email, EmailEvent, Suppression
from automations.models.refusals import Refusal
from automations.models.runs import Passage, Run
from automations.models.sending import OutboxMessage, Pace
from automations.models.templates import Template

__all__ = [
    "Automation",
    "Broadcast",
    "Email",
    "EmailEvent",
    "OutboxMessage",
    "Pace",
    "Passage",
    "Refusal",
    "Run",
    "StateChange",
    "Suppression",
    "Template",
    "Version",
]
