"""Makes access files, and deletes them when their time is over or the person is erased."""

import errno
import hashlib
import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from contacts.models import Contact
from contacts.telling import Person, person_of
from jobs.working import stopping
from privacy.access import storing
from privacy.access.asking import delete_file, kept_for
from privacy.access.writing import file_name, write_file
from privacy.models.disclosures import AccessFile

# How often the row is told how far it is; until its lease ends, no other worker begins it.
_SECONDS = 1.0
_LEASE = timedelta(seconds=120)
_MOST_TRIES = 3
_EXPIRED = "Its time was over."
_Status = AccessFile.Status


class CannotMake(Exception):
    """A file cannot be made now; the message says why, for the user who asked for it."""


class _GivenUp(Exception):
    """It was cancelled, or its person erased, or this worker has to end."""


def make_files(keys: Collection[int]) -> None:
    """Make these access files.

    :raises CannotMake: if one cannot be made now
    """
    for key in sorted(keys):
        _make(key)


def forget_old_files() -> None:
    """Delete the files whose time is over, and what workers that died have left behind."""
    over = AccessFile.objects.filter(status=_Status.READY, expires_at__lte=Now())
    for file in over.order_by("pk"):
        delete_file(file, _EXPIRED)
    known = AccessFile.objects.exclude(stored_as="").values_list("stored_as", flat=True)
    for name in list(storing.left_behind(set(known))):
        storing.delete(name)


def forget_files_of(records: Sequence[Contact]) -> None:
    """Delete the files about these contacts, who are about to be erased; none is made any more.

    If the erasure is undone by an error, they are gone all the same: they can be made again.
    """
    rows = AccessFile.objects.select_for_update(of=("self",), no_key=True)
    # Locked: a worker that ends one meanwhile waits, and finds that it was cancelled.
    for file in rows.filter(contact__in=records).order_by("pk"):
        storing.delete(file.stored_as)
    waiting = AccessFile.objects.filter(contact__in=records, status=_Status.WAITING)
    waiting.update(status=_Status.CANCELLED, finished_at=Now())


def _make(key: int) -> None:
    for _ in range(_MOST_TRIES):
        file = AccessFile.objects.filter(pk=key, status=_Status.WAITING).first()
        if file is None:
            return
        # Of a worker that died, or of a try before.
        storing.delete(file.stored_as)
        name = storing.new_name()
        path = storing.path_of(name)
        is_done = False
        try:
            is_done = _write(file, name) and _finish(file, name)
            if is_done:
                return
        except (_GivenUp, Contact.DoesNotExist):
            if stopping.is_set():
                # Another worker need not wait for the end of the lease.
                _waiting(file, name).update(due_at=Now())
            return
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            text = "There is no room left on the disk of the hub. Make some: then it is made again."
            raise CannotMake(text) from None
        finally:
            if not is_done:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
    raise CannotMake("Records of the person were joined or parted while it was made.")


def _waiting(file: AccessFile, name: str) -> QuerySet[AccessFile]:
    """The row of a file that is still waited for, if this worker is the one that makes it."""
    return AccessFile.objects.filter(pk=file.pk, status=_Status.WAITING, stored_as=name)


def _write(file: AccessFile, name: str) -> bool:
    """Write the file; whether the person was the same in the end.

    :raises _GivenUp: if nobody waits for it any more
    """
    person = person_of(file.contact_id)
    kind = AccessFile.Kind(file.kind)
    with storing.create(storing.path_of(name)) as written:
        # Before anything is in it: if this worker is killed, an erasure finds the file by its row.
        if not _waiting(file, file.stored_as).update(stored_as=name):
            raise _GivenUp
        file.stored_as = name
        file.tables = write_file(person, kind, written, progress=_Progress(file))
        os.fsync(written.fileno())
        file.size = written.seek(0, os.SEEK_END)
        written.seek(0)
        file.sha256 = hashlib.file_digest(written, "sha256").hexdigest()  # type: ignore[arg-type]
    file.name = file_name(person, kind, file.requested_at)
    return _is_same(person)


def _is_same(person: Person) -> bool:
    """Whether the same records are this person as when the file was begun."""
    now = person_of(person.live.pk)
    return now.live == person.live and set(now.ids) == set(person.ids)


@transaction.atomic
def _finish(file: AccessFile, name: str) -> bool:
    """Note that the file is ready; if nobody waits for it, it is not, and that is no error.

    :raises _GivenUp: if it was cancelled, or the person erased, or another worker makes it
    """
    now = timezone.now()
    is_ready = _waiting(file, name).update(
        status=_Status.READY,
        name=file.name,
        size=file.size,
        sha256=file.sha256,
        tables=file.tables,
        rows=sum(file.tables.values()),
        doing="",
        finished_at=now,
        expires_at=now + kept_for(),
        attempts=0,
        last_error="",
    )
    if not is_ready:
        raise _GivenUp
    return True


class _Progress:
    """Notes how far a file is, every second or so, and ends it when nobody waits for it."""

    def __init__(self, file: AccessFile):
        self._file = file
        self._noted_at = time.monotonic()

    def __call__(self, title: str, rows: int) -> None:
        """Note which table is told and how many rows there are so far."""
        if stopping.is_set():
            raise _GivenUp
        now = time.monotonic()
        if now - self._noted_at < _SECONDS:
            return
        self._noted_at = now
        waiting = _waiting(self._file, self._file.stored_as)
        if not waiting.update(doing=title, rows=rows, due_at=Now() + _LEASE):
            raise _GivenUp
