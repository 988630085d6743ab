"""What Linux tells about the processes of a hub: their commands and their memory."""

import re
from pathlib import Path
from typing import NamedTuple

# By which words of its command line a process is known, and what it is called in the report.
_ROLES = {"granian": "web", "beat": "scheduler", "worker": "worker"}


class Memory(NamedTuple):
    """What processes keep in memory, in bytes; `pss` shares what they have in common."""

    processes: int
    rss: int
    pss: int


def memory_by_role(hub_pid: int) -> dict[str, Memory]:
    """The memory of the web processes, the worker and the scheduler of a hub."""
    found: dict[str, Memory] = {}
    for role, pids in _processes_by_role(hub_pid).items():
        sizes = [_memory_of(pid) for pid in pids]
        found[role] = Memory(len(pids), sum(size[0] for size in sizes), sum(s[1] for s in sizes))
    return found


def command_of(hub_pid: int, role: str) -> list[str]:
    """The command with which the hub has started this part of it."""
    return _command_line(_processes_by_role(hub_pid)[role][0])


def _processes_by_role(hub_pid: int) -> dict[str, list[int]]:
    parents = _parents()
    by_role: dict[str, list[int]] = {}
    for pid in sorted(pid for pid, parent in parents.items() if parent == hub_pid):
        words = _command_line(pid)
        role = next((name for word, name in _ROLES.items() if word in words), None)
        if role:
            by_role[role] = [pid, *_descendants(pid, parents)]
    return by_role


def _descendants(pid: int, parents: dict[int, int]) -> list[int]:
    children = [child for child, parent in parents.items() if parent == pid]
    return children + [pid for child in children for pid in _descendants(child, parents)]


def _parents() -> dict[int, int]:
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            match = re.search(r"^PPid:\s+(\d+)", status.read_text(), re.MULTILINE)
        except OSError:  # it has ended meanwhile
            continue
        if match:
            found[int(status.parent.name)] = int(match[1])
    return found


def _command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")


def _memory_of(pid: int) -> tuple[int, int]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return _kilobytes("Rss", text), _kilobytes("Pss", text)


def _kilobytes(name: str, text: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0
