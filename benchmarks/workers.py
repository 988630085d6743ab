"""How many data inputs and merges a second workers get done, by how many worker processes."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import psycopg

from benchmarks.hub import BenchmarkFailed, Hub, end
from benchmarks.plan import Plan
from benchmarks.report import Section, spread

_SECONDS_TO_COME_UP = 60
_SECONDS_TO_FINISH = 300


class Kind(NamedTuple):
    """A kind of work: who makes it, the table where it waits, and what its status is then."""

    name: str
    staged_by: str
    table: str
    status: str
    waiting: str = "pending"


_KINDS = (
    Kind("data inputs/s", "stage_data_inputs", "activities_datainput", "outcome"),
    Kind("merges/s", "stage_merges", "contacts_contactmerge", "status"),
)

Worker = subprocess.Popen[bytes]
Speeds = dict[int, dict[Kind, list[float]]]


def measure(
    hub: Hub, database: psycopg.Connection, worker_command: list[str], plan: Plan
) -> Speeds:
    """Measure the work of the workers of a hub that is stopped, while its database runs."""
    found: Speeds = {
        processes: {kind: [] for kind in _KINDS} for processes in plan.worker_processes
    }
    for _ in range(plan.worker_rounds):
        for processes, speeds in found.items():
            for kind in _KINDS:
                hub.stage(f"{kind.staged_by}({plan.jobs})")
                speeds[kind].append(drain(hub, database, kind, worker_command, processes))
    return found


def section(found: Speeds) -> Section:
    """What to say about it."""
    return Section(
        title="Workers",
        text=(
            "Everything waits before the first worker starts, messages included. Time counts from "
            "when all threads of all workers are ready until nothing waits any more."
        ),
        columns=["worker processes", *(kind.name for kind in _KINDS)],
        rows=[
            [str(processes), *(spread(speeds[kind]) for kind in _KINDS)]
            for processes, speeds in found.items()
        ],
    )


def drain(
    hub: Hub, database: psycopg.Connection, kind: Kind, command: list[str], processes: int
) -> float:
    """Let so many workers do what waits, and return how many pieces a second they did.

    The hub is stopped, and its database runs.
    """
    threads = processes * int(command[command.index("--concurrency") + 1])
    with ExitStack() as stack:
        with database.transaction():
            # Nobody gets past this lock, so all of them begin in the moment when it is gone.
            database.execute(f"LOCK TABLE {kind.table}")
            pieces = _count_waiting(database, kind)
            workers = stack.enter_context(_running(hub, command, processes))
            _wait_until(
                lambda: _count_held_up(database, kind) >= threads, workers, _SECONDS_TO_COME_UP
            )
            started_at = _ask(database, "SELECT clock_timestamp()")
        _wait_until(lambda: not _count_waiting(database, kind), workers, _SECONDS_TO_FINISH)
        # Rows say when their batch began, of which there may be one.
        finished_at = _ask(database, "SELECT clock_timestamp()")
    return pieces / (finished_at - started_at).total_seconds()


@contextmanager
def _running(hub: Hub, command: list[str], processes: int) -> Iterator[list[Worker]]:
    workers: list[Worker] = []
    try:
        for number in range(processes):
            workers.append(hub.launch([*command, "--hostname", f"worker-{number}@%h"]))
        yield workers
    finally:
        for worker in workers:
            end(worker)


def _count_waiting(database: psycopg.Connection, kind: Kind) -> int:
    return _ask(
        database, f"SELECT count(*) FROM {kind.table} WHERE {kind.status} = '{kind.waiting}'"
    )


def _count_held_up(database: psycopg.Connection, kind: Kind) -> int:
    waiting = f"relation = '{kind.table}'::regclass AND NOT granted"
    return _ask(database, f"SELECT count(*) FROM pg_locks WHERE {waiting}")


def _ask(database: psycopg.Connection, question: str) -> Any:
    row = database.execute(question).fetchone()
    assert row is not None
    return row[0]


def _wait_until(condition: Callable[[], bool], workers: list[Worker], seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        if any(worker.poll() is not None for worker in workers):
            raise BenchmarkFailed("A worker ended while there was still work.")
        if time.monotonic() > give_up_at:
            raise BenchmarkFailed(f"The workers were not done after {seconds:.0f} seconds.")
        time.sleep(0.02)
