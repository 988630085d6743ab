"""Keeps what users upload below `DATA_DIR/imports`, readable by the hub alone, and not for long.

A file that was never meant for the hub has more about people than is imported. So it is deleted as
soon as its import starts, as is the table that was made of it a day after the last step.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload

from contacts.names_among import NamesAmong
from exchange.importing.errors import CannotRead

# How long a file waits for its user to go on.
KEPT_FOR = timedelta(hours=24)
_RAW = ".uploaded"
# Names are looked for in so many characters of whole lines at once.
_PIECE = 1 << 20


def folder() -> Path:
    """Where files are kept, made now if it is not there."""
    path = settings.DATA_DIR / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def new_name() -> str:
    """A name for a file that nobody can guess, and that says nothing of what the user called it."""
    return secrets.token_hex(16)


def raw_of(path: Path) -> Path:
    """Where the file stands as it came, beside the table that was made of it."""
    return path.with_name(f"{path.name}{_RAW}")


def table_of(path: Path) -> Path:
    """Where the table of a file stands, whether `path` is that of the table or of the file."""
    return path.with_name(path.name.removesuffix(_RAW))


def forget_raw(path: Path | None) -> None:
    """Delete the file as it came."""
    if path is not None:
        raw_of(path).unlink(missing_ok=True)


def too_large(megabytes: int | None = None) -> str:
    """What a user is told whose file is larger than the hub takes."""
    most = settings.IMPORT_MAX_MB if megabytes is None else megabytes
    return (
        f"The file is larger than {most:,} MB, and was not kept. Cut it into smaller files, or ask "
        "an operator to raise IMPORT_MAX_MB."
    )


class StoredFile(UploadedFile):
    """A file that was uploaded, with the table's path, its size in bytes, and its SHA-256."""

    def __init__(self, name: str, path: Path, size: int, sha256: str):
        super().__init__(None, name, None, size)
        self.path, self.sha256 = path, sha256


class KeepUpload(FileUploadHandler):
    """Writes the first file of a form to disk as it comes, and counts.

    What is larger than `IMPORT_MAX_MB` is given up when that many bytes came, whatever the request
    says of its length. `problem` says then what was wrong.
    """

    problem = ""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if hasattr(self, "_path"):
            raise SkipFile
        self._path = folder() / new_name()
        self._hash, self._bytes = hashlib.sha256(), 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        self._file = os.fdopen(os.open(raw_of(self._path), flags, 0o600), "wb")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._bytes += len(raw_data)
        if self._bytes > settings.IMPORT_MAX_MB * 1_000_000:
            self._give_up(too_large())
        self._hash.update(raw_data)
        try:
            self._file.write(raw_data)
        except OSError as error:
            self._give_up(f"The hub cannot keep the file: {error.strerror}. Tell an operator.")

    def file_complete(self, file_size: int) -> StoredFile:
        self._file.close()
        return StoredFile(self.file_name or "file", self._path, self._bytes, self._hash.hexdigest())

    def upload_interrupted(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Delete what was kept, as for a form that was not filled in."""
        if hasattr(self, "_file"):
            self._forget()

    def _give_up(self, problem: str) -> None:
        self.problem = problem
        self._forget()
        # What follows is not read either.
        raise StopUpload(connection_reset=True)

    def _forget(self) -> None:
        with suppress(OSError):  # a full disk refuses what was still to be written
            self._file.close()
        forget_raw(self._path)


def has_any(path: Path, names: NamesAmong) -> bool:
    """Whether one of these names stands in the table at `path`, in whatever letter case.

    Each line is looked at once, however many names they are.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            # Many lines together take less time than each of them alone.
            return any(
                names.stand_in("".join(lines)) for lines in iter(lambda: file.readlines(_PIECE), [])
            )
    except FileNotFoundError:
        return False


def ensure_kept(path: Path | None) -> Path:
    """The file at `path`.

    :raises CannotRead: if it was deleted meanwhile
    """
    if path is None or not path.exists():
        hours = int(KEPT_FOR.total_seconds() // 3600)
        raise CannotRead(
            f"The file is not there any more: files that wait are deleted after {hours} hours, "
            "and once they were imported. Upload it again."
        )
    return path
