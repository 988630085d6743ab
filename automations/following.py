"""The reader that lets contacts into automations, and wakes the runs that wait for a rule."""

from functools import partial

from activities.logs import ACTIVITIES
from automations.entering import enter_all
from automations.logs import EMAIL_EVENTS
from automations.matching import entries_by, listeners_to
from automations.waiting_for import any_run_waits_for_groups, wake_those_who_wait
from consents.logs import AGREEMENTS
from contacts.logs import CHANGES, MERGES, TOUCHED, UNDONE_MERGES
from groups.facts import ENTRIES
from readers.logs import Log
from readers.reading import Reader

# Its work for a row is more than that of other readers.
_BATCH = 2_000


def _follow(log: Log, ids: list[int]) -> None:
    if (asked := listeners_to(log)) and (entries := entries_by(log, ids, asked)):
        enter_all(entries)
    # Afterwards: contacts are locked before runs everywhere.
    wake_those_who_wait(log, ids)


def _ignores_entries() -> bool:
    """Whether no entry or exit lets a contact in, or ends a wait."""
    return not listeners_to(ENTRIES) and not any_run_waits_for_groups()


AUTOMATIONS = Reader(
    "automations",
    {
        log: partial(_follow, log)
        for log in (
            *(ACTIVITIES, CHANGES, AGREEMENTS, ENTRIES, MERGES, UNDONE_MERGES, TOUCHED),
            EMAIL_EVENTS,
        )
    },
    batch=_BATCH,
    passes_over={ENTRIES: _ignores_entries},
    # What was recorded before an automation was switched on lets nobody in.
    begins_now=True,
)
