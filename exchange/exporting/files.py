"""The files of exports: where they are, who may read them, and that the disk has room for them."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from exchange.models import Export

# Below DATA_DIR, where an embedded PostgreSQL is as well: that is to find some room.
BASE = "exports"
# How folders end in which something is written on the way.
WORK = ".work"
_ROOM = 300_000_000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PIECE = 1 << 20


ELSEWHERE = (
    "The file is not on this machine. Have the operator see to it that web processes and workers "
    "have one DATA_DIR, and export again."
)


class CannotWrite(Exception):
    """A file cannot be written; the message says why, for the user who asked for it."""


def folder() -> Path:
    """The folder of all exports, made now if it is not there; nobody but the hub enters it."""
    path = Path(settings.DATA_DIR) / BASE
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def file_of(export: Export) -> Path:
    """The file that is ready, if it is there."""
    return folder() / f"{export.file}.{export.format}"


def part_of(export: Export) -> Path:
    """What has been gathered of it so far."""
    return folder() / f"{export.file}.part"


def remove_files(export: Export) -> None:
    """Delete all that there is of it."""
    part_of(export).unlink(missing_ok=True)
    file_of(export).unlink(missing_ok=True)
    remove_work(export)


def remove_work(export: Export) -> None:
    """Delete what is made on the way, such as what a worker has left that was killed."""
    for path in folder().glob(f"{export.file}.*{WORK}"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def writing() -> Iterator[None]:
    """Says in words what kept the block from writing.

    :raises CannotWrite: if the disk is full
    """
    try:
        if shutil.disk_usage(folder()).free < _ROOM:
            raise CannotWrite(_no_room())
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise CannotWrite(_no_room()) from None


def private(path: str, flags: int) -> int:
    """Opens a file that nobody but the hub may read, as `opener` of `open`."""
    return os.open(path, flags, 0o600)


def measured(path: Path) -> tuple[int, str]:
    """The size of a file in bytes, and its SHA-256."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _no_room() -> str:
    return (
        "There is no room left on the disk of the hub. Have the operator free some, then export "
        "again."
    )
