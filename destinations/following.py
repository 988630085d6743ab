"""The reader that makes deliveries of what is recorded."""

from functools import partial

from destinations.facts import facts_in
from destinations.making import add_deliveries
from destinations.matching import LOGS, listening_to, matched
from readers.logs import Log
from readers.reading import Reader

# A row may become a payload for each destination.
_BATCH = 2_000


def _follow(log: Log, ids: list[int]) -> None:
    found = matched(log, ids)
    if not found:
        return
    facts = facts_in(log, {row for _, rows in found for row in rows})
    # What was deleted meanwhile is told nobody.
    wanted = [
        (destination, [facts[row] for row in rows if row in facts]) for destination, rows in found
    ]
    add_deliveries(wanted)


def _is_ignored(log: Log) -> bool:
    """Whether no destination is told of any row of a log."""
    return not listening_to(log)


DESTINATIONS = Reader(
    "destinations",
    {log: partial(_follow, log) for log in LOGS},
    batch=_BATCH,
    passes_over={log: partial(_is_ignored, log) for log in LOGS},
    # What was recorded before a destination was switched on is not told.
    begins_now=True,
)
