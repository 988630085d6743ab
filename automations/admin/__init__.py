"""Automations and emails in the admin."""

# These add to the sidebar, and to the pages of other apps.
from automations.admin import (  # noqa: F401
    contact_sections,
    navigation,
    rules,
    timeline,
    uses,
    ways,
)
from automations.admin.automations import AutomationAdmin
from automations.admin.broadcasts import BroadcastAdmin
from automations.admin.emails import EmailAdmin
from automations.admin.outbox import OutboxMessageAdmin
from automations.admin.runs import RunAdmin
from automations.admin.suppressions import SuppressionAdmin
from automations.admin.templates import TemplateAdmin

__all__ = [
    "AutomationAdmin",
    "BroadcastAdmin",
    "EmailAdmin",
    "OutboxMessageAdmin",
    "RunAdmin",
    "SuppressionAdmin",
    "TemplateAdmin",
]
