"""Files of exports are deleted: when their time is over, and when somebody in them is erased."""

import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote_plus

from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast, Now
from django.utils import timezone

from contacts.erasures import Erased
from contacts.models import Contact
from exchange.exporting.files import WORK, folder, remove_files
from exchange.exporting.sources import source_of
from exchange.models import Export

EXPIRED = "The time was over for which files are kept."
ERASED = "Somebody who may be in it was erased. Export again to have a file without that person."
BY_USER = "The user who asked for it deleted it."
_FORGOTTEN = "forgotten, as it named somebody who was erased"
# What nobody knows of is deleted when nobody has written it for so long.
_LEFT_ALONE_SECONDS = 24 * 3600
_SHORTEST_NAME = 3

_Status = Export.Status
_WANTED = frozenset({_Status.WAITING, _Status.DONE})


def delete_file(export: Export, reason: str) -> bool:
    """Delete the file of an export that is ready, and say why; whether there was one."""
    ready = Export.objects.filter(pk=export.pk, status=_Status.DONE)
    if not ready.update(status=_Status.DELETED, reason=reason):
        return False
    transaction.on_commit(lambda: remove_files(export))
    return True


def delete_old_files() -> None:
    """Delete the files whose time is over, and what is left of files that nobody may take."""
    for export in Export.objects.filter(status=_Status.DONE, expires_at__lte=Now()):
        delete_file(export, EXPIRED)
    paths = {path: path.name.partition(".")[0] for path in folder().iterdir()}
    named = Export.objects.annotate(named=Cast("file", TextField())).filter(
        named__in=paths.values()
    )
    states = dict(named.values_list("named", "status"))
    before = time.time() - _LEFT_ALONE_SECONDS
    for path, name in paths.items():
        state = states.get(name)
        if state is not None and state not in _WANTED:
            _remove(path)  # whoever had to do it was killed
        elif (state is None or path.name.endswith(WORK)) and _written_at(path) < before:
            _remove(path)


def forget_in_files(records: Sequence[Contact]) -> None:
    """Let nobody take a file any more that these contacts, who are being erased, may be in.

    It is called in the transaction of the erasure; the files go when it is committed. Filters that
    name the contacts are forgotten.
    """
    # Who came later is in none of those that were ready before.
    forget_files_since(min(record.created_at for record in records))
    _forget_in_log(records)


def forget_in_files_of_meanwhile(erased: Erased, reason: str, by: User | None) -> None:
    """The same of files that became ready while the last rows of the person were being deleted."""
    forget_files_since(erased.requested_at)


def forget_files_since(at: datetime) -> None:
    """Let nobody take a file of persons that was ready since then; others begin anew."""
    for export in Export.objects.filter(status=_Status.DONE, finished_at__gte=at).order_by("pk"):
        if _may_hold_persons(export):
            delete_file(export, ERASED)
    for export in Export.objects.filter(status=_Status.WAITING).order_by("pk"):
        if _may_hold_persons(export):
            _begin_again(export)


def _begin_again(export: Export) -> None:
    waiting = Export.objects.filter(pk=export.pk, status=_Status.WAITING)
    anew = {"written": 0, "last_row": 0, "found": 0, "cut": 0, "gathered_at": None}
    if not waiting.update(**anew, due_at=timezone.now()):
        # A worker was handing it over when we looked, and we have waited for that.
        delete_file(export, ERASED)


def _may_hold_persons(export: Export) -> bool:
    try:
        return source_of(apps.get_model(export.list_of)).holds_persons
    except (LookupError, ValueError):
        return True


def _forget_in_log(records: Sequence[Contact]) -> None:
    """Take filters that name these contacts out of the log of exports."""
    names = {
        name.casefold()
        for record in records
        for name in (
            *(str(record.guid), record.guid.hex, record.email, record.full_name),
            *(record.first_name, record.last_name, record.mobile_phone, record.business_phone),
        )
        if len(name) >= _SHORTEST_NAME
    }
    asked = Export.objects.exclude(query="").values_list("pk", "query", "filters")
    for pk, query, filters in asked.iterator():
        said = f"{unquote_plus(query)} {filters}".casefold()
        if any(name in said for name in names):
            Export.objects.filter(pk=pk).update(query="", filters=_FORGOTTEN)
            waiting = Export.objects.filter(pk=pk, status=_Status.WAITING)
            # Without its filter it would be of the whole list.
            waiting.update(status=_Status.STOPPED, reason=ERASED, finished_at=timezone.now())


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # deleted meanwhile
        return time.time()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
