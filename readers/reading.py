"""Reading: each reader gets the next batch of its logs, and its position moves with its work."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from database.outages import is_conflict
from jobs.working import describe, pause_after, stopping
from readers.epochs import begin_epochs
from readers.logs import Log
from readers.models import Position, ReaderState
from readers.positions import Place, move, place_of, places_of, present, some_wait

logger = logging.getLogger(__name__)

BATCH_ROWS = 10_000
# Everything that a reader follows waits while it pauses, so it pauses less than a row of a job.
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=10)
_SECONDS_BETWEEN_LOOKS = 0.1
_MOST_REPEATS = 2


@dataclass(frozen=True)
class Reader:
    """What follows logs: the function of each gets the ids of all of its rows once, in batches.

    What the function writes, and the position behind the batch, are one transaction. The rows of
    one log come in order; two logs are read independently of each other.

    One that `begins_now` gets what is recorded after it was first asked to read, or to `join`.
    `batches` are the rows at a time of logs that have more or fewer of them than others.
    `passes_over` has, for logs of which most often no row means anything to the reader, whether
    that is so at this moment: then all that can be read is passed over as one. What comes to care
    later cares only for what is recorded afterwards, or looks for itself at what was before.
    """

    name: str
    logs: Mapping[Log, Callable[[list[int]], None]]
    batch: int = BATCH_ROWS
    begins_now: bool = False
    batches: Mapping[Log, int] = field(default_factory=dict)
    passes_over: Mapping[Log, Callable[[], bool]] = field(default_factory=dict)


@cache
def declared_readers() -> dict[str, Reader]:
    """The readers of the setting `READERS`, by name."""
    readers = [import_string(path) for path in settings.READERS]
    return {reader.name: reader for reader in readers}


def begin() -> None:
    """Begin the epochs that declared readers need: a process does so before it records anything.

    Readers that begin now begin then. If the database is away, or not migrated yet, a reader does
    it later.
    """
    with suppress(Error):
        begin_epochs({log for reader in declared_readers().values() for log in reader.logs})
        for reader in declared_readers().values():
            join(reader)


def follow(seconds: float) -> None:
    """Let every reader read what is committed within so many seconds, soon after it is.

    An idle hub costs one small query at each look: nothing has become readable as long as the
    oldest transaction that runs, or the next one if none does, is the same.
    """
    until = time.monotonic() + seconds
    looked_at = None
    while True:
        horizon = _horizon()
        if horizon != looked_at and _read_until(until):
            looked_at = horizon
        if time.monotonic() + _SECONDS_BETWEEN_LOOKS > until:
            return
        if stopping.wait(_SECONDS_BETWEEN_LOOKS):
            return


def _read_until(until: float) -> bool:
    """Let every reader read on until then; tell whether they have read all there was."""
    going: Collection[Reader] = declared_readers().values()
    while going and time.monotonic() < until and not stopping.is_set():
        going = [reader for reader in going if read_next(reader)]
    return not going


def _horizon() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        return cursor.fetchone()[0]


def read_next(reader: Reader, limit: int | None = None) -> bool:
    """Let the reader have the next batch of each of its logs; tell whether one was full.

    If it fails it stays where it is, and is tried again after a pause that grows.
    """
    limits = {log: limit or reader.batches.get(log, reader.batch) for log in reader.logs}
    begin_epochs(reader.logs)
    try:
        # Without a lock: it would write to the disk each time, although most often nothing waits.
        places = places_of(reader.name, reader.logs)
        if reader.begins_now and any(place.position is None for place in places.values()):
            if not join(reader):
                return False
            places = places_of(reader.name, reader.logs)
        waiting = some_wait(places.values())
        read = {log: _read_in_turn(reader, log, limits[log], places[log]) for log in waiting}
        return any(read[log] == limits[log] for log in waiting)
    except Exception as error:  # whatever it is, it is for a person to see, and tried again
        logger.exception("Reader %s failed and is tried again.", reader.name)
        _keep_failure(reader, error)
        return False


def try_again(reader: Reader) -> bool:
    """Let a reader that failed read at the next look; tell whether it had failed."""
    failed = ReaderState.objects.filter(pk=reader.name, attempts__gt=0)
    return failed.update(due_at=timezone.now()) > 0


def join(reader: Reader) -> bool:
    """Give a reader that `begins_now` its place in each log; tell whether it has one in each.

    What is recorded from then on it will read. What was recorded before can be seen by the caller.
    """
    if not reader.begins_now:
        return True
    begin_epochs(reader.logs)
    known = Position.objects.filter(reader=reader.name, log__in=[log.name for log in reader.logs])
    if known.count() == len(reader.logs):
        return True
    _ensure_state(reader)
    with transaction.atomic():
        ReaderState.objects.select_for_update().get(pk=reader.name)
        joined = set(known.values_list("log", flat=True))
        for log in reader.logs:
            if log.name not in joined:
                place = present(log)
                if place is None:
                    return False
                move(reader.name, place)
    return True


def unread_by_any(log: Log) -> tuple[str, list[Any]]:
    """A condition of SQL, with its parameters, for the rows that a declared reader has to read."""
    places = [
        place_of(reader.name, log).unread()
        for reader in declared_readers().values()
        if log in reader.logs
    ]
    conditions = [f"({unread})" for unread, _ in places]
    params = [param for _, of_one in places for param in of_one]
    return " OR ".join(conditions) or "false", params


def _read_in_turn(reader: Reader, log: Log, limit: int, place: Place) -> int:
    """The same as `_read_log`, which begins anew if another transaction was in its way."""
    for _ in range(_MOST_REPEATS):
        try:
            return _read_log(reader, log, limit, place)
        except Error as error:
            if not is_conflict(error):
                raise
    return _read_log(reader, log, limit, place)


def _read_log(reader: Reader, log: Log, limit: int, place: Place) -> int:
    if place.position is None:
        _ensure_state(reader)
    with transaction.atomic():
        if not _lock(reader):
            return 0
        ids, after = _next(reader, place.read_again(reader.name), limit)
        if after is None:
            return 0
        if ids:
            reader.logs[log](ids)
        move(reader.name, after)
        ReaderState.objects.filter(pk=reader.name).update(
            read_at=timezone.now(), attempts=0, last_error=""
        )
    return len(ids)


def _next(reader: Reader, place: Place, limit: int) -> tuple[list[int], Place | None]:
    """The next rows that the reader has to look at, and the place after what it has then read.

    No rows, but a place, is what it passes over.
    """
    if passes_over := reader.passes_over.get(place.log):
        # In this order: what is recorded after a rule came to care is not before this place.
        end = place.after_all()
        if end is not None and passes_over():
            return [], end
    return place.next_batch(limit) or ([], None)


def _lock(reader: Reader) -> bool:
    """Lock the reader's row, if it is due and no other worker has it."""
    due = ReaderState.objects.filter(pk=reader.name, due_at__lte=timezone.now())
    return due.select_for_update(skip_locked=True).exists()


def _keep_failure(reader: Reader, error: Exception) -> None:
    """Keep what went wrong for the admin, and let the reader pause."""
    _ensure_state(reader)
    with transaction.atomic():
        state = ReaderState.objects.select_for_update().get(pk=reader.name)
        pause = pause_after(state.attempts + 1, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
        state.attempts = state.one_attempt_more()
        state.last_error = describe(error)
        state.due_at = timezone.now() + pause
        state.save()


def hold(reader: Reader) -> None:
    """Keep the reader from reading until the end of this transaction, and wait if it reads now.

    A caller that takes rows out of a log does so before it locks anything else: the reader may be
    waiting for that.
    """
    _ensure_state(reader)
    ReaderState.objects.select_for_update().get(pk=reader.name)


def _ensure_state(reader: Reader) -> None:
    ReaderState.objects.bulk_create([ReaderState(pk=reader.name)], ignore_conflicts=True)
