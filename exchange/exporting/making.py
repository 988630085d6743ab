"""Makes the files of exports: rows are gathered in portions, then the file is finished.

A portion is one transaction, and notes how far the export is: where a worker died, another one goes
on. What is made of the gathered rows at the end, such as a workbook, is begun again then.
"""

import io
import time
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max, Model
from django.db.models.functions import Now
from django.utils import timezone

from adminsite.audit import note
from adminsite.listed import NotListed, next_ids, rows_listed
from adminsite.options import RowsOfList
from contacts.admin.permissions import may_see_contacts
from contacts.records import try_hold_off_erasures
from exchange.exporting.fields import Field
from exchange.exporting.files import (
    ELSEWHERE,
    CannotWrite,
    file_of,
    part_of,
    private,
    remove_files,
    writing,
)
from exchange.exporting.finishing import Made, made_file
from exchange.exporting.formats import (
    NEEDS_PARQUET,
    Ended,
    can_write_parquet,
    lines_of,
    start_of,
)
from exchange.exporting.permission import may_export_list
from exchange.exporting.sources import chosen_fields, rows_for, source_of
from exchange.models import Export
from jobs.tasks import ring
from jobs.working import stopping

JOB = "exports"
# A portion ends when rows have been read for so long; until then ids come in such numbers. With
# filters that look at each row, more have to be looked at.
_SECONDS, _IDS, _LOOKED_AT = 1.0, 1_000, 4_000
# While somebody is erased nothing is read: it waits so long.
_PAUSE = timedelta(seconds=1)
_LEASE = timedelta(minutes=1)
_MOST_ATTEMPTS = 6

_Status = Export.Status


class CannotGoOn(Exception):
    """An export ends here; the message says why, for the user who asked for it."""


def ask_for_export(
    model: type[Model],
    *,
    query: str,
    filters: str = "",
    form: str,
    columns: Collection[str],
    options: dict[str, Any],
    by: User,
) -> Export:
    """Have a file made of all rows of the list of `model` that `query` finds for this user.

    :param filters: the filters in words
    :param columns: the names of the columns
    :raises ValidationError: if the user may not do it, or there cannot be such a file
    """
    try:
        _check(model, query, by)
    except (NotListed, CannotGoOn) as error:
        raise ValidationError(str(error)) from None
    if form == Export.Format.PARQUET and not can_write_parquet():
        raise ValidationError(NEEDS_PARQUET)
    chosen = chosen_fields(model, by, query, columns)
    if not chosen:
        raise ValidationError("Choose one column at least.")
    export = Export.objects.create(
        list_of=model._meta.label_lower,
        query=query,
        filters=filters,
        format=form,
        columns=[{"name": one.name, "title": one.title, "kind": one.kind} for one in chosen],
        options=options,
        by=by,
        by_name=by.get_username(),
        is_masked=not may_see_contacts(by),
        end=model._default_manager.aggregate(end=Max("pk"))["end"] or 0,
    )
    ring(JOB)
    return export


def cancel(export: Export) -> bool:
    """Make it no further; whether it was still being made."""
    waiting = Export.objects.filter(pk=export.pk, status=_Status.WAITING)
    if not waiting.update(status=_Status.CANCELLED, reason="", finished_at=Now()):
        return False
    remove_files(export)
    return True


def go_on(keys: Collection[int]) -> None:
    """Gather the next portion of these exports, or finish their files."""
    for key in sorted(keys):
        export = Export.objects.filter(pk=key, status=_Status.WAITING).first()
        if export is None:
            continue
        try:
            if export.gathered_at is None:
                _gather(key)
            else:
                _finish(export)
        except (CannotGoOn, CannotWrite, NotListed) as error:
            _stop(export, str(error))


def _stop(export: Export, reason: str) -> None:
    waiting = Export.objects.filter(pk=export.pk, status=_Status.WAITING)
    if waiting.update(status=_Status.STOPPED, reason=reason, finished_at=Now()):
        remove_files(export)


@transaction.atomic
def _gather(key: int) -> None:
    rows = Export.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    export = rows.filter(pk=key, status=_Status.WAITING, gathered_at=None).first()
    if export is None:
        return
    if source_of(_model_of(export)).holds_persons and not try_hold_off_erasures():
        # What was read now of a person who is being erased would stay in the file.
        export.due_at = timezone.now() + _PAUSE
        export.save(update_fields=["due_at"])
        return
    with writing():
        is_all = _append_portion(export)
    if is_all:
        export.gathered_at = timezone.now()
    export.due_at = timezone.now()
    export.attempts, export.last_error = 0, ""
    export.save()


def _append_portion(export: Export) -> bool:
    """Append a portion to what was gathered, and whether it was the last."""
    model, user = _model_of(export), export.by
    if user is None:
        raise CannotGoOn("The user who asked for it is gone.")
    listed = _check(model, export.query, user)
    if export.is_masked == may_see_contacts(user):
        raise CannotGoOn("The user who asked for it sees more, or less, of contacts by now.")
    fields = _fields_of(export, model, user)
    with open(part_of(export), "ab", opener=private) as file:
        if file.tell() < export.written:
            raise CannotWrite(ELSEWHERE)
        # What a worker that died wrote behind it is no part of it.
        file.truncate(export.written)
        file.seek(0, io.SEEK_END)
        if not export.written:
            file.write(start_of(export.format, export.columns, export.options))
        ends_at = time.monotonic() + _SECONDS
        while True:
            most = _IDS if listed.look is None else _LOOKED_AT
            some, last = next_ids(listed, export.last_row, most)
            # Rows that came later were not found when the user looked.
            ids = [one for one in some if one <= export.end]
            rows = _rows(listed, ids, fields, user)
            for line in lines_of(export.format, export.columns, export.options, rows):
                file.write(line)
                export.found += 1
            is_all = last is None or last >= export.end
            export.last_row = last or export.end
            if is_all or time.monotonic() >= ends_at:
                break
        file.flush()
        export.written = file.tell()
    return is_all


def _rows(
    listed: RowsOfList, ids: Sequence[int], fields: Sequence[Field], user: User
) -> Iterator[list[object]]:
    if ids:
        names = frozenset(one.name for one in fields)
        for row in rows_for(listed, ids, names, user):
            yield [one.value(row) for one in fields]


def _finish(export: Export) -> None:
    """Make the file of what was gathered; none if that is not wanted any more."""
    waiting = Export.objects.filter(
        pk=export.pk, status=_Status.WAITING, gathered_at=export.gathered_at
    )
    if export.attempts >= _MOST_ATTEMPTS:
        raise CannotGoOn("The file could not be made, again and again. Choose another format.")
    # Counted before: a worker that is killed notes nothing.
    waiting.update(attempts=F("attempts") + 1)

    def is_wanted() -> bool:
        # As long as it is, no other worker takes it up.
        return not stopping.is_set() and bool(waiting.update(due_at=Now() + _LEASE))

    try:
        with writing(), made_file(export, is_wanted) as made:
            _hand_over(export, made)
    except Ended:
        # If this worker is told to end, another one begins it again.
        waiting.update(attempts=F("attempts") - 1, due_at=Now())


@transaction.atomic
def _hand_over(export: Export, made: Made) -> None:
    """The file is ready: it gets its name, and the user may take it."""
    rows = Export.objects.select_for_update(of=("self",), no_key=True)
    # Somebody who is in it may have been erased since.
    found = rows.filter(pk=export.pk, status=_Status.WAITING, gathered_at=export.gathered_at)
    locked = found.first()
    if locked is None:
        raise Ended
    locked.size, locked.sha256, locked.cut = made.size, made.sha256, made.cut
    locked.status, locked.reason, locked.finished_at = _Status.DONE, "", timezone.now()
    locked.expires_at = locked.finished_at + timedelta(days=settings.EXPORT_DAYS)
    locked.attempts, locked.last_error = 0, ""
    made.file.replace(file_of(export))
    part_of(export).unlink(missing_ok=True)
    locked.save()
    detail = f"Made a file of {locked.found:,} rows ({locked.rows_name}) as {locked.format}."
    note(detail, model=locked, name=str(locked), by=locked.by)


def _check(model: type[Model], query: str, user: User) -> RowsOfList:
    if not may_export_list(user, model):
        raise CannotGoOn("The user who asked for it may not export this list any more.")
    return rows_listed(model, user, query)


def _fields_of(export: Export, model: type[Model], user: User) -> list[Field]:
    names = [one["name"] for one in export.columns]
    known = {one.name: one for one in chosen_fields(model, user, export.query, names)}
    missing = [one["title"] for one in export.columns if one["name"] not in known]
    if missing:
        raise CannotGoOn(
            f"There is no column “{missing[0]}” any more, or the user who asked for it may not see "
            "it."
        )
    return [known[name] for name in names]


def _model_of(export: Export) -> type[Model]:
    model = export.model
    if model is None:
        raise CannotGoOn("There is no such list any more.")
    return model
