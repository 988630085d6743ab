"""Imports are checked, brought in, cancelled and undone: what users ask for, and workers do.

A portion is a transaction, which notes how far the import is. So each row is brought in once, also
if a worker dies or two come to it, and a user who cancels waits for one portion at most.
"""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from activities.removing import hold_counts
from adminsite.audit import note
from contacts.records import hold_off_erasures
from exchange.importing import checking, staging, undoing
from exchange.importing.bringing import (
    Portion,
    is_done,
    make_new_tags,
    middle_of,
    move,
    suppress_unsubscribed,
)
from exchange.importing.files import delete_file
from exchange.importing.halves import Half, do_both, is_alone, wait_for_both
from exchange.importing.mapping import InvalidMapping
from exchange.importing.opening import CannotRead
from exchange.importing.recording import ActivityPortion
from exchange.models import Import
from exchange.models.imports import OUTCOMES
from jobs.tasks import ring
from jobs.working import stopping

__all__ = [
    "CannotImport",
    "cancel",
    "go_on",
    "start_check",
    "start_import",
    "start_undo",
    "work_through",
]

JOB = "imports"
_Status = Import.Status
_LEASE = timedelta(seconds=60)
# Portions take about so long; they begin with few lines, and grow.
_SECONDS = 0.7
_FEWEST, _FIRST, _MOST = 100, 1_000, 10_000
# A worker comes back to an import after so long, so that others have their turn.
_SECONDS_AT_A_TIME = 5.0


class _Cancelled(Exception):
    """The import, or its undo, was cancelled in this moment."""


# Does a portion of a half of an import, and returns what notes that in the import, which is locked
# then, and says whether there may be another.
type _Portion = Callable[[Import, Half, int], Callable[[Import], bool]]


class CannotImport(Exception):
    """An import cannot be checked, begun or undone now; the message says why, for the user."""


def start_check(import_: Import, mapping: Mapping[str, object], rows: int = 0) -> None:
    """Have a worker check the file by this mapping; it has so many `rows`, 0 if nobody knows.

    :raises CannotImport: if it is too late for that, or the file is gone
    """
    checkable = Import.objects.filter(
        pk=import_.pk,
        status__in=[_Status.UPLOADED, _Status.CHECKED, _Status.FAILED],
        started_at=None,
    ).exclude(path="")
    begun = _begin(_Status.CHECKING) | {"mapping": mapping, "total": rows, "reason": ""}
    if not checkable.update(**begun):
        raise CannotImport(
            "This file cannot be checked any more: it is being checked, or was imported, cancelled "
            "or deleted."
        )
    _tell(import_)


def start_import(import_: Import, by: User | None = None) -> None:
    """Have a worker bring in what was checked.

    :raises CannotImport: if it is not checked, or the same file is being imported already
    """
    if import_.kind == Import.Kind.ACTIVITIES and import_.channel_id is None:
        raise CannotImport("Say in which channel the activities are to be recorded.")
    checked = Import.objects.filter(pk=import_.pk, status=_Status.CHECKED)
    begun = {**_begin(_Status.IMPORTING), "done": dict.fromkeys(("rows", *OUTCOMES), 0)}
    begun |= {"total": import_.counts.get("rows", 0)}
    begun |= {"started_at": timezone.now()} | ({"by": by} if by else {})
    try:
        with transaction.atomic():
            if not checked.update(**begun):
                raise CannotImport("Only what was checked can be imported, and once.")
    except IntegrityError:  # a_file_is_imported_once_at_a_time
        raise CannotImport(
            "The same file is being imported already. Wait for it, or cancel it first."
        ) from None
    _tell(import_)
    note(
        f"Started to import {import_.counts.get('rows', 0):,} rows.",
        model=Import,
        object_id=import_.pk,
        by=by,
    )


def cancel(import_: Import) -> bool:
    """Do nothing further; whether there was something to cancel.

    What was brought in stays, and can be undone. What an undo has taken back is gone, and the rest
    can be undone. It waits for the portion that is being done.
    """
    with transaction.atomic():
        rows = Import.objects.select_for_update(of=("self",), no_key=True)
        found = rows.filter(pk=import_.pk).first()
        if found is None or not found.may_be_cancelled:
            return False
        # A worker that is checking it drops what it has made by itself.
        is_being_checked = found.status == _Status.CHECKING
        if found.status == _Status.UNDOING:
            found.status = _Status.PARTLY_UNDONE
        else:
            found.status, found.finished_at = _Status.CANCELLED, timezone.now()
            if found.started_at:
                rows_done = sum(found.done.get(one, 0) for one in OUTCOMES)
                found.counts = {**found.done, "rows": rows_done}
        found.save(update_fields=["status", "finished_at", "counts"])
    if found.started_at is None:
        if not is_being_checked:
            staging.drop(found.staged_as)
        delete_file(found)
    import_.refresh_from_db()
    return True


def start_undo(import_: Import, by: User | None = None) -> None:
    """Have a worker undo what the import has brought in, or the rest of it.

    :raises CannotImport: if there is nothing to undo
    """
    begun = {**_begin(_Status.UNDOING), "undone": undoing.NOTHING, "undone_by": by}
    # An undo that was cancelled goes on where it was.
    goes_on = {name: begun[name] for name in ("status", "due_at", "attempts", "last_error")}
    goes_on["undone_by"] = by
    ended = Import.objects.filter(pk=import_.pk, started_at__isnull=False)
    partly = ended.filter(status=_Status.PARTLY_UNDONE)
    whole = ended.filter(status__in=Import.UNDOABLE).exclude(status=_Status.PARTLY_UNDONE)
    if not (partly.update(**goes_on) or whole.update(**begun)):
        raise CannotImport("Only what was imported can be undone, and once.")
    _tell(import_)
    note("Started to undo it.", model=Import, object_id=import_.pk, by=by)


def work_through(import_: Import) -> None:
    """Do in this process what waits, until a user has to decide, or nothing is left to do.

    A worker may be at it as well: each portion is done once.
    """
    import_.refresh_from_db()
    while import_.is_going_on:
        before = import_.status, import_.position, import_.stage
        go_on([import_.pk])
        import_.refresh_from_db()
        if import_.is_going_on and before == (import_.status, import_.position, import_.stage):
            if stopping.is_set():
                return
            time.sleep(0.2)


def go_on(keys: Collection[int]) -> None:
    """Go on with these imports for a few seconds each."""
    for key in sorted(keys):
        import_ = Import.objects.waiting().filter(pk=key).first()
        if import_ is None:
            continue
        if import_.status == _Status.CHECKING:
            checking.check(import_)
        else:
            _go_on(import_)
        # What is left waits for its next turn, and not for the lease to end.
        Import.objects.waiting().filter(pk=key).update(due_at=Now())


def _go_on(import_: Import) -> None:
    key = import_.pk
    if import_.kind == Import.Kind.CONTACTS and import_.status == _Status.IMPORTING:
        try:
            if not _is_staged(import_):
                _stage_again(import_)
            elif _begin_halves(key):
                _do_halves(key, _Status.IMPORTING, _bring_in)
        except InvalidMapping as error:  # what it names was deleted since
            _fail(import_, error)
    elif undoing.has_halves(import_):
        _do_halves(key, _Status.UNDOING, undoing.undo_contacts)
    else:
        _repeat(lambda most: _carry_out_portion(key, most))


def _do_halves(key: int, status: Import.Status, do: _Portion) -> None:
    do_both(lambda half: _repeat(lambda most: _do_half(key, half, most, status, do)))


def _repeat(do: Callable[[int], bool]) -> None:
    """Do portions, whose sizes follow from how long they take, for some seconds at most."""
    ends_at = time.monotonic() + _SECONDS_AT_A_TIME
    most = _FIRST
    while not stopping.is_set():
        began_at = time.monotonic()
        if not do(most):
            return
        seconds = max(time.monotonic() - began_at, 0.001)
        most = int(min(max(most * min(_SECONDS / seconds, 2.0), _FEWEST), _MOST))
        if time.monotonic() > ends_at:
            return


def _begin_halves(key: int) -> bool:
    """Do what comes before the first row; whether there is something to bring in."""
    with transaction.atomic():
        # An address of somebody who is being erased would stay.
        hold_off_erasures()
        rows = Import.objects.select_for_update(of=("self",), no_key=True)
        import_ = rows.filter(pk=key, status=_Status.IMPORTING).first()
        if import_ is None:
            return False
        if not import_.middle:
            staged = checking.staged_of(import_, import_.headers)
            suppress_unsubscribed(import_, staged)
            make_new_tags(import_, staged)
            import_.middle = import_.cursor_behind = middle_of(staged)
            import_.save(update_fields=["middle", "cursor_behind"])
    return True


def _do_half(key: int, half: Half, most: int, status: Import.Status, do: _Portion) -> bool:
    """Do the next portion of a half; whether there may be another."""
    is_more = False
    with suppress(_Cancelled), transaction.atomic():
        hold_off_erasures()
        if not is_alone(key, half):
            return False
        import_ = Import.objects.filter(pk=key, status=status).first()
        if import_ is None:
            return False
        note_it = do(import_, half, most)
        # Foreign keys, of which each contact that is deleted has very many, would be checked at the
        # commit, while the other half waits for the lock of the import.
        connection.check_constraints()
        rows = Import.objects.select_for_update(of=("self",), no_key=True)
        locked = rows.filter(pk=key, status=status).first()
        if locked is None:
            raise _Cancelled  # while it was done, and so it is not
        is_more = note_it(locked)
        locked.due_at = timezone.now() + _LEASE
        locked.attempts, locked.last_error = 0, ""
        locked.save()
    if locked is not None and locked.status == _Status.IMPORTED:
        _drop_plan(locked)
    return is_more


def _bring_in(import_: Import, half: Half, most: int) -> Callable[[Import], bool]:
    """Bring in the next portion of a half."""
    staged = checking.staged_of(import_, import_.headers)
    portion = Portion(import_, staged, half, most=most)
    until = portion.until
    counts = {} if until is None else portion.bring_in()

    def note_it(locked: Import) -> bool:
        if until is not None:
            move(locked, half, until)
            _add(locked, counts)
        elif is_done(locked, staged):
            _finish(locked)
        return until is not None

    return note_it


def _drop_plan(import_: Import) -> None:
    """Drop the plan of an import that has ended, once no worker reads a half of it any more."""
    with transaction.atomic():
        wait_for_both(import_.pk)
        staging.drop(import_.staged_as, "plan")


def _carry_out_portion(key: int, most: int) -> bool:
    """Carry out the next portion of an undo, or of activities; whether there may be another."""
    import_ = Import.objects.filter(pk=key).first()
    if import_ is None:
        return False
    if import_.status == _Status.IMPORTING and not _is_staged(import_):
        return _stage_again(import_)
    with transaction.atomic():
        # In this order, and before other locks, as erasures do.
        if import_.kind == Import.Kind.ACTIVITIES and import_.status == _Status.UNDOING:
            hold_counts()
        hold_off_erasures()
        rows = Import.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        locked = rows.filter(pk=key, status__in=[_Status.IMPORTING, _Status.UNDOING]).first()
        if locked is None:
            return False
        is_more = (
            _record(locked, most)
            if locked.status == _Status.IMPORTING
            else undoing.undo_portion(locked, most)
        )
        locked.due_at = timezone.now() + _LEASE
        locked.attempts, locked.last_error = 0, ""
        locked.save()
    return is_more


def _record(import_: Import, most: int) -> bool:
    """Record the next portion of activities; whether there may be another."""
    portion = ActivityPortion(import_, most=most)
    if portion.until is None:
        _finish(import_)
        return False
    _add(import_, portion.bring_in())
    import_.cursor = portion.until
    return True


def _add(import_: Import, counts: Mapping[str, int]) -> None:
    for outcome, count in counts.items():
        import_.done[outcome] = import_.done.get(outcome, 0) + count
    import_.done["rows"] = import_.position = sum(import_.done.get(one, 0) for one in OUTCOMES)


def _finish(import_: Import) -> None:
    """Say that all is brought in, and what became of the rows of the file."""
    refused = import_.counts["rows"] - import_.done["rows"]
    import_.done["reject"] += refused
    import_.done["rows"] += refused
    import_.counts = dict(import_.done)
    import_.status, import_.finished_at = _Status.IMPORTED, timezone.now()


def _is_staged(import_: Import) -> bool:
    return staging.has("rows", import_.staged_as) or not _has_good_rows(import_)


def _has_good_rows(import_: Import) -> bool:
    return import_.counts.get("rows", 0) > import_.counts.get("reject", 0)


def _stage_again(import_: Import) -> bool:
    """Read the file anew, after a crash of PostgreSQL took the rows that waited."""
    try:
        checking.stage_again(import_)
    except (CannotRead, InvalidMapping) as error:
        _fail(import_, error)
        return False
    except checking.Cancelled:
        return False
    return True


def _fail(import_: Import, error: Exception) -> None:
    going_on = Import.objects.filter(pk=import_.pk, status=_Status.IMPORTING)
    going_on.update(status=_Status.FAILED, reason=str(error), finished_at=timezone.now())


def _begin(status: Import.Status) -> dict:
    return {
        "status": status,
        "position": 0,
        "total": 0,
        "cursor": 0,
        "middle": 0,
        "cursor_behind": 0,
        "stage": "",
        "due_at": Now(),
        "attempts": 0,
        "last_error": "",
    }


def _tell(import_: Import) -> None:
    import_.refresh_from_db()
    ring(JOB)
