"""Where the files are: in a folder of the hub's data that only its own user may read."""

import os
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

FOLDER = "access-files"
# A file that no row names was left behind by a worker that died; a younger one may be being made.
_LEFT_BEHIND_SECONDS = 24 * 3600


def folder() -> Path:
    """The folder, made now if it is not there."""
    path = Path(settings.DATA_DIR) / FOLDER
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def new_name() -> str:
    """A name that nobody can guess."""
    return f"{secrets.token_hex(16)}.zip"


def path_of(stored_as: str) -> Path:
    """Where the file with this name is."""
    return folder() / stored_as


def create(path: Path) -> BinaryIO:
    """A new file for its owner alone.

    :raises FileExistsError: if there is one
    """
    return open(path, "x+b", opener=lambda name, flags: os.open(name, flags, 0o600))


def delete(stored_as: str) -> None:
    """Delete a file, which may be gone."""
    if stored_as:
        path_of(stored_as).unlink(missing_ok=True)


def left_behind(known: Collection[str]) -> Iterator[str]:
    """The files that are not `known` and that nobody is making."""
    before = time.time() - _LEFT_BEHIND_SECONDS
    for path in folder().iterdir():
        with suppress(FileNotFoundError):
            if path.name not in known and path.stat().st_mtime < before:
                yield path.name
