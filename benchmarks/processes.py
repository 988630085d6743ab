"""What Linux tells about the processes of a hub: their commands, memory and processor time."""

import os
import re
from pathlib import Path
from typing import NamedTuple

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# By which words of its command line a process is known, and what it is called in the report.
_ROLES = {"config.web": "web", "beat": "scheduler", "worker": "worker"}


class Memory(NamedTuple):
    """What processes keep in memory, in bytes; `pss` shares what they have in common."""

    processes: int
    rss: int
    pss: int


def memory_by_role(hub_pid: int) -> dict[str, Memory]:
    """The memory of the web processes, the worker and the scheduler of a hub."""
    found: dict[str, Memory] = {}
    for role, pids in _processes_by_role(hub_pid, _parents()).items():
        sizes = [_memory_of(pid) for pid in pids]
        found[role] = Memory(len(pids), sum(size[0] for size in sizes), sum(s[1] for s in sizes))
    return found


class Clock(NamedTuple):
    """Seconds of all processors so far: used by whom, or by nobody."""

    web: float
    database: float
    generator: float
    others: float
    idle: float

    def since(self, earlier: "Clock") -> "Clock":
        """What was used since then."""
        # Linux counts in ticks, so a part can be larger than what it is a part of.
        return Clock(*(max(0.0, now - then) for now, then in zip(self, earlier, strict=True)))

    def per_cent(self, part: str) -> float:
        """What one of them used of all that there was."""
        return 100 * getattr(self, part) / sum(self)


def read_clock(hub_pid: int, backend_pid: int) -> Clock:
    """The processor time of a hub's web processes, its PostgreSQL and this process.

    `backend_pid` is that of any connection to the database.
    """
    parents = _parents()
    server = parents[backend_pid]
    web = sum(map(_processor_seconds, _processes_by_role(hub_pid, parents)["web"]))
    database = sum(map(_processor_seconds, [server, *_descendants(server, parents)]))
    own = os.times()
    generator = own.user + own.system
    # user, nice, system, idle, waiting for disks, interrupts (2), stolen by other machines
    machine = list(map(int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]))
    idle = sum(machine[3:5]) / _TICKS_A_SECOND
    used = sum(machine) / _TICKS_A_SECOND - idle
    return Clock(web, database, generator, used - web - database - generator, idle)


def busiest_web_process(hub_pid: int) -> int:
    """One that answers requests: others look after them."""
    return max(_processes_by_role(hub_pid, _parents())["web"], key=_processor_seconds)


def command_of(hub_pid: int, role: str) -> list[str]:
    """The command with which the hub has started this part of it."""
    return _command_line(_processes_by_role(hub_pid, _parents())[role][0])


def _processes_by_role(hub_pid: int, parents: dict[int, int]) -> dict[str, list[int]]:
    by_role: dict[str, list[int]] = {}
    for pid in sorted(pid for pid, parent in parents.items() if parent == hub_pid):
        words = _command_line(pid)
        role = next((name for word, name in _ROLES.items() if word in words), None)
        if role:
            by_role.setdefault(role, []).extend([pid, *_descendants(pid, parents)])
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


def _processor_seconds(pid: int) -> float:
    """What a process has used, with those of its children that have ended."""
    try:
        # The name, in brackets, may have spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile, and counts as time of its parent
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS_A_SECOND


def _memory_of(pid: int) -> tuple[int, int]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return _kilobytes("Rss", text), _kilobytes("Pss", text)


def _kilobytes(name: str, text: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0
