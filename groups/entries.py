"""Entries of automations: rules of their steps may count what was recorded since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from groups.formulas import Statement, put

# After all activities that were recorded in one moment.
_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """When a run of an automation was entered, and by which activity, if by one."""

    at: datetime
    activity_id: int | None = None


def entered(entries: Mapping[int, Entry]) -> Statement:
    """The live contacts among these, by id, each with its entry."""
    return put(
        "SELECT contact.*, entry.entered_at, entry.entry_id FROM contacts_contact AS contact"
        " JOIN unnest({}::bigint[], {}::timestamptz[], {}::bigint[])"
        " AS entry (contact, entered_at, entry_id) ON entry.contact = contact.id"
        " WHERE contact.merged_into_id IS NULL",
        tuple(entries),
        tuple(entry.at for entry in entries.values()),
        tuple(_LAST if one.activity_id is None else one.activity_id for one in entries.values()),
    )
