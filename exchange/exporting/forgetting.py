"""Files of exports are deleted: when their time is over, and when somebody in them is erased."""

import shutil
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.parse import parse_qsl

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast, Now
from django.utils import timezone

from contacts.erasures import Erased
from contacts.models import Contact
from contacts.names_among import NamesAmong
from contacts.records import label_of
from exchange.exporting.files import WORK, folder, remove_files
from exchange.exporting.sources import source_of
from exchange.models import Export

EXPIRED = "The time was over for which files are kept."
ERASED = "A contact that may be in it was erased. Export again to have a file without that person."
BEGUN_ANEW = "The hub has begun it anew: a contact that may have been in it was erased."
FILTER_FORGOTTEN = "Its filter named a contact that was erased."
BY_USER = "The user who asked for it deleted it."
_FORGOTTEN = "forgotten, as it named somebody who was erased"
# What nobody knows of is deleted when nobody has written it for so long.
_LEFT_ALONE_SECONDS = 24 * 3600
# What is shorter is no phone of a person: it would be found in ids and years.
_FEWEST_DIGITS = 6

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

    It is called in the transaction of the erasure; the files go when it is committed.
    """
    # Who came later is in none of those that were ready before.
    since = min(record.created_at for record in records)
    _forget_files_since(since, [record.pk for record in records])


def forget_in_files_of_meanwhile(erased: Erased, reason: str, by: User | None) -> None:
    """The same of files that became ready while the last rows of the person were being deleted."""
    _forget_files_since(erased.requested_at, erased.contact_ids)


def forget_in_log(erased: Erased) -> dict[str, int]:
    """Take filters that name these people out of the log of exports."""
    phones = [one for one in erased.phones if sum(map(str.isdigit, one)) >= _FEWEST_DIGITS]
    among = NamesAmong([*erased.spellings, *erased.full_names, *phones])
    asked = Export.objects.exclude(query="").values_list("pk", "query", "filters")
    named = [
        pk
        for pk, query, filters in asked.iterator()
        if among.name_somebody_in(filters, *chain.from_iterable(parse_qsl(query)))
    ]
    rows = Export.objects.filter(pk__in=named)
    count = rows.update(query="", filters=_FORGOTTEN)
    # Without its filter it would be of the whole list.
    waiting = list(rows.filter(status=_Status.WAITING))
    rows.filter(pk__in=[one.pk for one in waiting]).update(
        status=_Status.STOPPED, reason=FILTER_FORGOTTEN, finished_at=timezone.now()
    )
    for one in waiting:
        transaction.on_commit(partial(remove_files, one))
    return {label_of(Export): count}


def _forget_files_since(at: datetime, contact_ids: Collection[int]) -> None:
    """Let nobody take a file of persons that was ready since then; others begin anew."""
    for export in Export.objects.filter(status=_Status.DONE, finished_at__gte=at).order_by("pk"):
        if _may_hold_persons(export):
            delete_file(export, ERASED)
    for export in Export.objects.filter(status=_Status.WAITING).order_by("pk"):
        if _may_hold_persons(export):
            _begin_again(export, contact_ids)


def _begin_again(export: Export, contact_ids: Collection[int]) -> None:
    rows = Export.objects.select_for_update(of=("self",), no_key=True)
    # Once it is locked, what a worker was reading is counted.
    waiting = rows.filter(pk=export.pk, status=_Status.WAITING).first()
    if waiting is None:
        # A worker was handing it over when we looked, and we have waited for that.
        delete_file(export, ERASED)
    elif _may_have(waiting, contact_ids):
        anew = {"written": 0, "last_row": 0, "found": 0, "cut": 0, "gathered_at": None}
        Export.objects.filter(pk=export.pk).update(**anew, reason=BEGUN_ANEW, due_at=timezone.now())


def _may_have(export: Export, contact_ids: Collection[int]) -> bool:
    """Whether something about these contacts may be in what was gathered so far."""
    if export.model is Contact:
        # It goes by their ids, and a row tells of its own contact alone.
        return bool(export.found) and any(pk <= export.last_row for pk in contact_ids)
    return bool(export.found)


def _may_hold_persons(export: Export) -> bool:
    return export.model is None or source_of(export.model).holds_persons


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
