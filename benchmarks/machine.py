"""What the figures were measured on: the machine, the versions, how durable the database is."""

import os
import platform
import re
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psycopg

from benchmarks.hub import ROOT
from benchmarks.report import Section

_PACKAGES = ("django", "djangorestframework", "uvicorn", "celery", "psycopg", "msgspec")
# Without any of these, a commit would promise less than the hub does.
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_SYNCS = 100
_BLOCK = bytes(8192)


def describe(database: psycopg.Connection, folder: Path) -> Section:
    """The section about the machine, on which the hub's data are in `folder`."""
    settings = {name: _show(database, name) for name in (*_DURABLE, "server_version")}
    load = os.getloadavg()
    rows = {
        "Revision": _revision(),
        "Processor": f"{_processor()}, {os.cpu_count()} cores",
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "Kernel": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "Load before the run": " ".join(f"{value:.2f}" for value in load),
        "File system of the data": _file_system(folder),
        "Time to sync 8 KiB": f"{_sync_milliseconds(folder):.2f} ms",
        "Python": platform.python_version(),
        "PostgreSQL": settings["server_version"],
        **{name: version(name) for name in _PACKAGES},
        **{name: settings[name] for name in _DURABLE},
    }
    return Section(
        title="Machine",
        columns=["what", "which"],
        rows=list(rows.items()),
        problems=[
            f"PostgreSQL runs with {name} = {settings[name]}: its speed is not that of the hub."
            for name in _DURABLE
            if settings[name] != "on"
        ],
    )


def _show(database: psycopg.Connection, name: str) -> str:
    row = database.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return row[0]


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(  # noqa: S603 -- a fixed command, no shell
            command, cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or no repository
        return "unknown"
    return done.stdout.strip()


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text()
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else "unknown"


def _file_system(folder: Path) -> str:
    """The kind of file system that `folder` is on: the longest mount point that leads to it."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    path = f"{folder.resolve()}/"
    found = [mount for mount in mounts if path.startswith(f"{mount[1].rstrip('/')}/")]
    return max(found, key=lambda mount: len(mount[1]))[2] if found else "unknown"


def _sync_milliseconds(folder: Path) -> float:
    """How long a write takes until it is safe, which is what a commit waits for."""
    durations = []
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            started_at = time.perf_counter()
            file.write(_BLOCK)
            os.fdatasync(file.fileno())
            durations.append(time.perf_counter() - started_at)
    path.unlink()
    return median(durations) * 1000
