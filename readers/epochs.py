"""Epochs: what becomes of positions in a log when its database moves to another cluster."""

from collections import defaultdict
from collections.abc import Collection

from django.db import connection, transaction

from readers.logs import Log
from readers.models import Epoch

_BEGIN = """
INSERT INTO readers_epoch (log, ordinal, system_identifier, first, horizon, began_at)
VALUES (%s, %s, %s, %s, pg_current_xact_id(), now())
ON CONFLICT DO NOTHING
"""


def epochs_of(logs: Collection[Log]) -> dict[str, list[Epoch]]:
    """The epochs of each log, from the first to the one that goes on."""
    found = defaultdict(list)
    rows = Epoch.objects.filter(log__in=[log.name for log in logs])
    for epoch in rows.order_by("log", "ordinal"):
        found[epoch.log].append(epoch)
    return found


def begin_epochs(logs: Collection[Log]) -> None:
    """Begin an epoch of each log whose last one was in another database cluster, or that has none.

    It is called before a process records anything, so that all that a restored dump brought along
    is before the epoch, and all that is recorded from then on is in it.
    """
    identifier = _system_identifier()
    epochs = epochs_of(logs)
    for log in logs:
        last = epochs[log.name][-1] if epochs[log.name] else None
        if last is None or last.system_identifier != identifier:
            _begin(log, last.ordinal + 1 if last else 1, identifier)


@transaction.atomic(durable=True)
def _begin(log: Log, ordinal: int, identifier: int) -> None:
    with connection.cursor() as cursor:
        # First the number, then the transaction id: who takes a lower number later has a lower id.
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [log.table, log.number])
        (sequence,) = cursor.fetchone()
        cursor.execute(f"SELECT last_value + is_called::int FROM {sequence}")  # noqa: S608
        (first,) = cursor.fetchone()
        cursor.execute(_BEGIN, [log.name, ordinal, identifier, first])


def _system_identifier() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        return cursor.fetchone()[0]
