"""Lines added to files, a file for each hour: whole ones only, also if a worker is killed.

A worker holds a lock of the folder while it writes. What a worker that was killed has left behind
half written is cut off by the next one.
"""

import fcntl
import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.utils import timezone

# The ending of a hidden file that becomes one of another format when its hour is over.
OPEN = ".open"
# Seconds that a worker waits for the others.
_PATIENCE = 10.0
_HOUR = "%Y-%m-%dT%HZ"
_ID = re.compile(rb'\{"id":"(msg_[0-9a-f]{32})"')


class Busy(OSError):
    """Others were writing all the time."""


class HourlyFiles:
    """The files of a destination in a folder: `2026-11-30T08Z-crm.ndjson` is the one of an hour.

    :param finished: what reads the ids of files into which those with this ending are made
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        ending: str,
        finished: Mapping[str, Callable[[Path], set[str]]] | None = None,
    ):
        self._folder, self._name, self._ending = folder, name, ending
        self._readers = {ending: ids_in, **(finished or {})}

    def append(
        self, lines: Mapping[str, bytes], *, maybe_there: Collection[str], since: datetime | None
    ) -> None:
        """Add lines, by their ids, to the file of this hour.

        :param maybe_there: ids of lines that an attempt before may have written
        :param since: when the first of these was made
        :raises OSError: if they cannot be written, or others write all the time
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with locked(self._folder):
            there = self._find(maybe_there, since) if since else set()
            new = [line for key, line in lines.items() if key not in there]
            if new:
                append_lines(self._file_of(timezone.now()), b"".join(line + b"\n" for line in new))

    def _file_of(self, at: datetime) -> Path:
        hidden = "." if self._ending == OPEN else ""
        return self._folder / f"{hidden}{hour_of(at)}-{self._name}{self._ending}"

    def _find(self, ids: Collection[str], since: datetime) -> set[str]:
        """Those of these ids that stand in a file of that hour or a later one."""
        found: set[str] = set()
        first = hour_of(since)
        for file in self._folder.iterdir():
            _, _, rest = file.name.partition("Z-")
            ending = rest.removeprefix(self._name)
            is_ours = rest.startswith(self._name) and ending in self._readers
            if is_ours and hour_in(file) >= first:
                found |= self._readers[ending](file) & {*ids}
        return found


def hour_of(at: datetime) -> str:
    """The hour in names of files, in UTC."""
    return at.astimezone(UTC).strftime(_HOUR)


def hour_in(file: Path) -> str:
    """The hour in the name of a file."""
    return file.name.removeprefix(".").partition("Z-")[0] + "Z"


def ids_in(file: Path) -> set[str]:
    """The ids of the whole lines of a file."""
    with file.open("rb") as lines:
        found = (_ID.match(line) for line in lines if line.endswith(b"\n"))
        return {match[1].decode() for match in found if match}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other workers from writing in a folder; the lock of one that dies is gone.

    :raises Busy: if others write all the time
    """
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Busy from None
                time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def cut_off_half_line(file: Path) -> None:
    """Leave only whole lines in a file: what follows them was never written to its end."""
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        end = _end_of_lines(descriptor)
        if end < os.fstat(descriptor).st_size:
            os.ftruncate(descriptor, end)
    finally:
        os.close(descriptor)


def append_lines(file: Path, text: bytes) -> None:
    """Add whole lines, all or none of them, and have them on the disk. The folder is locked.

    :raises OSError: if they cannot be written
    """
    is_new = not file.exists()
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        end = _end_of_lines(descriptor)
        os.ftruncate(descriptor, end)
        os.lseek(descriptor, end, os.SEEK_SET)
        try:
            rest = memoryview(text)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
    if is_new:
        _sync_folder(file.parent)


def _end_of_lines(descriptor: int) -> int:
    """Where the last whole line of a file ends."""
    size = os.fstat(descriptor).st_size
    step = 65_536
    for start in range(max(size - step, 0), -step, -step):
        start = max(start, 0)
        found = os.pread(descriptor, min(step, size - start), start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
    return 0


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
