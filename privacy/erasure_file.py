"""The file of erasures: outside of PostgreSQL, so that a backup of that does not take it back.

It is ERASURES_DIR/erasures.jsonl, one JSON object a line, and lines are only added. Each has a
`kind`, its `content`, the `hash` of that and a `seal` (`privacy/sealing.py`):

- `erasure`: the names of a person, as keyed hashes, and when the erasure began. It is on the disk
  before the transaction that takes the names out of the database commits.
- `certificate`: a certificate, whole, before the transaction that ends the erasure commits.
- `lift`: names that may be used again, as the person has agreed anew (`privacy/lifts.py`).

So there may be lines of erasures that did not commit, and never one that did without its line. Of
lifts it is the other way round: their lines are written once they have committed.
Processes, and machines that share the folder, take turns by a lock on the file, and each adds its
line by one write at the end.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
from django.conf import settings

from privacy.sealing import canonical, fingerprint, hash_of, is_sealed, seal_of

type Kind = Literal["erasure", "certificate", "lift"]

_END = b"\n"


class FileFault(Exception):
    """The file of erasures cannot be used as it must be; the message says why and what to do."""


class CannotWrite(FileFault):
    """The file of erasures cannot be written, so nothing may be erased."""


class CannotRead(FileFault):
    """The file of erasures is there and cannot be read."""


class Line(msgspec.Struct, frozen=True, dict=True):
    """What a line says."""

    kind: Kind
    content: dict[str, Any]
    hash: str
    seal: str

    @property
    def is_whole(self) -> bool:
        """Whether it says what it said when a hub wrote it, as far as its hash can tell."""
        return hash_of(self.content) == self.hash

    @property
    def is_of_this_key(self) -> bool:
        """Whether this hub's key was used for its names: only then can they be matched."""
        return self.content.get("key") == fingerprint()

    @cached_property
    def is_ours(self) -> bool:
        """Whether it is whole, and was sealed under the key of this hub."""
        return self.is_of_this_key and self.is_whole and is_sealed(self.hash, self.seal)


@dataclass(frozen=True)
class Placed:
    """A line of the file: its place from 1, and what it says; None if it cannot be read.

    `is_torn` is the last one if it has no end: the power failed while it was written, so its
    erasure did not commit.
    """

    place: int
    line: Line | None
    is_torn: bool = False


def line_of(kind: Kind, content: dict[str, Any]) -> Line:
    """A line that says this."""
    digest = hash_of(content)
    return Line(kind, content, digest, seal_of(digest))


def path() -> Path:
    """Where the file is."""
    return settings.ERASURES_DIR / "erasures.jsonl"


def append(*lines: Line) -> None:
    """Add these lines and wait until the disk has them.

    :raises CannotWrite: if that fails; then none of them is there, or an unfinished one
    """
    given = b"".join(canonical(msgspec.to_builtins(line)) + _END for line in lines)
    try:
        _make_folder()
        is_new = not path().exists()
        descriptor = os.open(path(), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _write(descriptor, given)
        finally:
            os.close(descriptor)  # and gives the lock back
        if is_new:
            _sync_folder()
    except OSError as error:
        raise CannotWrite(
            f"The hub cannot write to its file of erasures, {path()}: {error.strerror}. Without "
            "it, a backup that is restored would bring erased persons back. Make room or give the "
            "hub the right to write there, then erase again."
        ) from error


def read() -> list[Placed]:
    """All lines in their order; none if there is no file.

    :raises CannotRead: if there is one and it cannot be read
    """
    try:
        descriptor = os.open(path(), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _cannot_read(error) from error
    try:
        with open(descriptor, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            pieces = file.read().split(_END)
    except OSError as error:
        raise _cannot_read(error) from error
    return [
        Placed(place, _parse(piece), is_torn=place == len(pieces))
        for place, piece in enumerate(pieces, start=1)
        if piece.strip()
    ]


@contextmanager
def starting() -> Iterator[None]:
    """Only one process at a time is inside: those that start look into the file in turn.

    :raises CannotWrite: if the folder cannot be written
    """
    try:
        _make_folder()
        lock = (settings.ERASURES_DIR / "starting.lock").open("wb")
    except OSError as error:
        raise CannotWrite(
            f"The hub cannot write to {settings.ERASURES_DIR}: {error.strerror}. It keeps its file "
            "of erasures there; give the user who runs it the right to."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _parse(piece: bytes) -> Line | None:
    try:
        return _DECODER.decode(piece)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _write(descriptor: int, given: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != _END:
        given = _END + given  # the power failed while the last one was written
    try:
        written = os.write(descriptor, given)
        if written < len(given):
            raise OSError(0, "there is no room left for a whole line")
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _make_folder() -> None:
    settings.ERASURES_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def _sync_folder() -> None:
    descriptor = os.open(settings.ERASURES_DIR, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_read(error: OSError) -> CannotRead:
    return CannotRead(
        f"The hub cannot read its file of erasures, {path()}: {error.strerror}. Give the user who "
        "runs it the right to, or put a readable copy there."
    )


_DECODER = msgspec.json.Decoder(Line)
