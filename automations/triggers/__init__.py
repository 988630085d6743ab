"""What lets contacts into automations."""

from automations.triggers import kinds
from automations.triggers.base import (
    Trigger,
    TriggerKind,
    kind_of,
    read_trigger,
    register,
    to_json,
    trigger_types,
)

__all__ = [
    "Trigger",
    "TriggerKind",
    "kind_of",
    "kinds",
    "read_trigger",
    "register",
    "to_json",
    "trigger_types",
]
