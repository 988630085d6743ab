"""Whether a PostgreSQL runs on a data directory: what its pid file and the processes say."""

import os
import time
from pathlib import Path
from typing import NamedTuple

from config.embedded.errors import EmbeddedPostgresFailed

_SECONDS_FOR_REMAINS = 10


class PidFile(NamedTuple):
    """What a running server says about itself in its data directory."""

    pid: int
    socket_directory: Path


def running_server(data: Path) -> PidFile | None:
    """The server that runs on `data`, or None."""
    found = _read(data)
    return found if found and _is_server(found.pid, data) else None


def clear_remains(data: Path) -> None:
    """After a crash: wait for the server's last processes, and remove a misleading pid file.

    :raises EmbeddedPostgresFailed: if those processes do not end
    """
    deadline = time.monotonic() + _SECONDS_FOR_REMAINS
    while any(_works_in(process, data) for process in Path("/proc").glob("[0-9]*")):
        if time.monotonic() > deadline:
            raise EmbeddedPostgresFailed(
                f"Processes of an earlier PostgreSQL still use {data}. End them first."
            )
        time.sleep(0.05)
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    # PostgreSQL itself sees that a process is gone, but takes any other one that got its
    # number, as after a restart of a container, for a server.
    if _exists(pid):
        (data / "postmaster.pid").unlink(missing_ok=True)


def _read(data: Path) -> PidFile | None:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        found = PidFile(int(lines[0]), Path(lines[4]))
    except (FileNotFoundError, IndexError, ValueError):
        return None
    # The server fills the file in steps.
    return found if found.socket_directory.is_dir() and lines[4] else None


def _is_server(pid: int, data: Path) -> bool:
    """Whether process `pid` is a PostgreSQL on `data`, and not a newer one of that number."""
    process = Path(f"/proc/{pid}")
    if not Path("/proc/self").exists():
        return _exists(pid)
    try:
        # Readable even in containers that hide the working directories of other accounts.
        arguments = (process / "cmdline").read_bytes().split(b"\0")
        directory = arguments[arguments.index(b"-D") + 1]
        return os.path.samefile(directory, data)
    except (OSError, ValueError, IndexError):
        return _works_in(process, data)


def _works_in(process: Path, data: Path) -> bool:
    try:
        is_postgres = (process / "comm").read_text().strip() == "postgres"
        return is_postgres and os.path.samefile(process / "cwd", data)
    except OSError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
