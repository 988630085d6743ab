"""Does what is due: claims rows, has them done, and takes note of what cannot be done."""

import logging
import threading
import time
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from database.lookups import Among
from database.outages import is_away
from jobs.declaring import Job

_log = logging.getLogger(__name__)

_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)
_LONGEST_ERROR = 500

# Set when the worker is told to end: what it has claimed and not begun is given back.
stopping = threading.Event()


def work_off(job: Job, *, seconds: float = float("inf")) -> bool:
    """Do what is due until nothing is, and return whether that was so within `seconds`.

    A row that cannot be done holds up no other: it is tried again later, with its error noted.

    :raises django.db.Error: if the database went away; what was claimed is due again later
    """
    ends_at = time.monotonic() + seconds
    if job.prepare is not None:
        job.prepare()
    while not stopping.is_set():
        if time.monotonic() > ends_at:
            return False
        lease = timezone.now() + timedelta(seconds=job.lease)
        claimed = _claim(job, lease)
        if not claimed:
            return True
        _do(job, claimed)
        if _give_back(job, claimed, lease) == len(claimed):
            return True  # nothing moves: the next sweep looks again
    return True


def try_again(job: Job, keys: Collection[int]) -> int:
    """Have rows that failed done at once; return how many still wait."""
    return _waiting(job).filter(Among("pk", keys)).update(due_at=Now())


def pause_after(
    attempts: int, *, first: timedelta = _FIRST_PAUSE, longest: timedelta = _LONGEST_PAUSE
) -> timedelta:
    """How long what has failed so often, once or more, waits: twice as long each time."""
    return min(first * 2 ** min(attempts - 1, 20), longest)


def _waiting(job: Job):
    return job.model._default_manager.filter(job.waiting)


def _claim(job: Job, lease: datetime) -> list[int]:
    """Take up rows that are due and that no other worker has taken up, the oldest first."""
    with transaction.atomic():
        due = _waiting(job).filter(due_at__lte=Now()).order_by("due_at")
        locked = due.select_for_update(skip_locked=True, of=("self",))
        keys = list(locked.values_list("pk", flat=True)[: job.batch])
        if keys:
            job.model._default_manager.filter(Among("pk", keys)).update(due_at=lease)
    return keys


def _do(job: Job, keys: list[int]) -> None:
    """Do them together; if that fails, find out by halves which of them is to blame."""
    if stopping.is_set():
        return
    try:
        job.do(keys)
    except Exception as error:  # whatever it is, the others must not suffer for it
        if is_away(error):
            raise
        if len(keys) == 1:
            _note_failure(job, keys[0], error)
            return
        middle = len(keys) // 2
        _do(job, keys[:middle])
        _do(job, keys[middle:])


def _note_failure(job: Job, key: int, error: Exception) -> None:
    row = _waiting(job).filter(pk=key).first()
    if row is None:
        return
    row.attempts += 1
    pause = pause_after(row.attempts)
    _log.error(
        "%s %s cannot be done and is tried again in %s seconds.",
        job.model._meta.verbose_name,
        key,
        int(pause.total_seconds()),
        # Afterwards it is known.
        exc_info=error if row.attempts == 1 else None,
    )
    _waiting(job).filter(pk=key).update(
        attempts=row.one_attempt_more(), last_error=describe(error), due_at=Now() + pause
    )


def describe(error: Exception) -> str:
    """The error in a line. PostgreSQL tells the values of rows in further ones."""
    line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {line}"[:_LONGEST_ERROR]


def _give_back(job: Job, keys: list[int], lease: datetime) -> int:
    return _waiting(job).filter(Among("pk", keys), due_at=lease).update(due_at=Now())
