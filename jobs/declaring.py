"""Declares work that is done later: once for each kind, in the `jobs.py` of its app.

Celery's routes, the schedule, the admin's page and the benchmarks read the table that this makes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import Q

    from jobs.models import Waiting

DO = "jobs.do"
DEFAULT_QUEUE = "default"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A kind of work that waits in the rows of `model` for which `waiting` holds.

    `do` gets the keys of rows that are due, many at once, and does what they wait for in
    transactions of its own, so that none of them is `waiting` afterwards. It reads the rows again:
    one may be gone, or done. It raises if one of them cannot be done, and then
    has done none of them. What is left waiting without an error is taken up in the next round.
    """

    name: str
    model: type[Waiting]
    waiting: Q
    do: Callable[[Collection[int]], None]
    # Called before each sweep: makes the rows that are there by declaration.
    prepare: Callable[[], None] | None = None
    # The key of the row whose page of the admin shows what waits; "" is the row itself.
    shown_by: str = ""
    queue: str = DEFAULT_QUEUE
    # Rows that are claimed together, and seconds until those of a worker that died are due again.
    batch: int = 500
    lease: float = 60.0


@dataclass(frozen=True)
class Periodic:
    """Work that comes round, whatever there is to do."""

    name: str
    do: Callable[[], object]
    every: timedelta


@dataclass(frozen=True)
class Pulse:
    """A task of Celery that the scheduler sends every few seconds, without rows behind it."""

    task: str
    every: float
    queue: str = DEFAULT_QUEUE


jobs: dict[str, Job] = {}
pulses: dict[str, Pulse] = {}
periodic: dict[str, Periodic] = {}


def declare(job: Job) -> Job:
    """Add a kind of work to the table."""
    jobs[job.name] = job
    return job


def declare_periodic(name: str, do: Callable[[], object], *, every: timedelta) -> None:
    """Have `do` called as often as this; if it fails, again after a while that grows."""
    periodic[name] = Periodic(name, do, every)


def declare_pulse(task: str, *, every: float, queue: str = DEFAULT_QUEUE) -> None:
    """Have the scheduler send this task so often, in seconds."""
    pulses[task] = Pulse(task, every, queue)


def queues() -> list[str]:
    """The queues that workers have to listen to, each once, the default one first."""
    declared: list[Job | Pulse] = [*jobs.values(), *pulses.values()]
    return list(dict.fromkeys([DEFAULT_QUEUE, *(one.queue for one in declared)]))


def schedule(seconds: float) -> dict[str, dict[str, Any]]:
    """Celery's schedule: every so many seconds a message wakes a worker for each job."""
    sweeps = {
        f"sweep {job.name}": {
            "task": DO,
            "args": [job.name],
            "schedule": seconds,
            # Nothing is gained by a second one that waits behind the first.
            "options": {"expires": seconds},
        }
        for job in jobs.values()
    }
    beats = {one.task: {"task": one.task, "schedule": one.every} for one in pulses.values()}
    return sweeps | beats


def route(name: str, args: Any, kwargs: Any, options: Any, **_: Any) -> dict[str, str] | None:
    """Celery's route of a message: the queue of the job that it is about."""
    declared = jobs.get(args[0]) if name == DO and args else pulses.get(name)
    return {"queue": declared.queue} if declared else None
