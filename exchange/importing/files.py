"""The files of imports: kept below `DATA_DIR/imports` while they are needed, for the hub alone.

A file that was never meant for the hub has more about people than is imported. It is deleted a day
after the last step, together with the rows that were read of it.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from channels.models import Channel
from exchange.importing import staging
from exchange.importing.opening import CannotRead
from exchange.importing.storing import KEPT_FOR, folder, forget_raw, new_name
from exchange.models import Import

_CHUNK = 1024 * 1024


def add_file(
    source: Path,
    *,
    kind: Import.Kind | str = Import.Kind.CONTACTS,
    channel: Channel | None = None,
    by: User | None = None,
) -> Import:
    """An import of a copy of the file at `source`; nothing is read of it yet.

    :raises CannotRead: if there is no such file
    """
    name = new_name()
    kept = folder() / name
    digest, size = hashlib.sha256(), 0
    try:
        with source.open("rb") as file:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(kept, flags, 0o600), "wb") as copy:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
                    size += len(chunk)
    except OSError as error:
        kept.unlink(missing_ok=True)
        raise CannotRead(f"{source} cannot be read: {error.strerror}.") from None
    return Import.objects.create(
        kind=kind,
        name=source.name[:250],
        path=name,
        size=size,
        sha256=digest.hexdigest(),
        channel=channel,
        by=by,
    )


def delete_file(import_: Import) -> None:
    """Delete the file of an import; what was read of it stays."""
    file = import_.file
    Import.objects.filter(pk=import_.pk).update(path="")
    import_.path = ""
    if file is not None:
        file.unlink(missing_ok=True)
        forget_raw(file)


def forget_old_files() -> int:
    """Delete the files of imports that nothing was done about for a day, and their rows.

    What was not imported by then has to be uploaded again. Returns how many there were.
    """
    before = timezone.now() - KEPT_FOR
    idle = (
        Import.objects.exclude(status__in=Import.GOING_ON)
        .filter(uploaded_at__lt=before)
        .filter(Q(checked_at=None) | Q(checked_at__lt=before))
        .filter(Q(finished_at=None) | Q(finished_at__lt=before))
        .exclude(path="", staged_as="")
    )
    old = list(idle)
    for import_ in old:
        forget(import_)
    return len(old)


def forget(import_: Import) -> None:
    """Delete the file of an import, the rows that were read of it, and what examples tell of them.

    How many rows had which problem stays.
    """
    staging.drop(import_.staged_as)
    rows = Import.objects.filter(pk=import_.pk)
    told = {"errors": import_.errors, "warnings": import_.warnings}
    rows.update(staged_as="", **{name: _without_values(groups) for name, groups in told.items()})
    # Without its rows, it cannot be imported any more.
    rows.filter(status__in=[Import.Status.UPLOADED, Import.Status.CHECKED]).update(
        status=Import.Status.CANCELLED, finished_at=timezone.now()
    )
    delete_file(import_)


def _without_values(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Problems of rows, with examples that tell the row and not what stood there."""
    return [
        {**group, "examples": [{**one, "found": ""} for one in group["examples"]]}
        for group in groups
    ]
