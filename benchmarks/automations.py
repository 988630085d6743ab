"""How fast contacts go through automations, and what those who wait in them cost."""

import json
from dataclasses import dataclass

import psycopg

from benchmarks.hub import Hub
from benchmarks.plan import Plan
from benchmarks.report import Section, spread
from benchmarks.workers import Kind, drain

_WORKERS = 2
_SECONDS_AT_REST = 900
_RUNS = Kind("runs/s", "stage_runs", "automations_run", "status", "running")


@dataclass
class Measured:
    """What was measured: runs a second in each round, and milliseconds of a look for due ones."""

    speeds: list[float]
    look: float


def measure(
    hub: Hub, database: psycopg.Connection, worker_command: list[str], plan: Plan
) -> Measured:
    """Measure what workers of a hub do that is stopped, while its database runs."""
    of = plan.automations
    speeds = []
    for _ in range(plan.worker_rounds):
        hub.stage(f"{_RUNS.staged_by}({of.runs})", "entering", _SECONDS_AT_REST)
        speeds.append(drain(hub, database, _RUNS, worker_command, _WORKERS))
    found = hub.stage(f"measure_waiting({of.waiting})", "entering", _SECONDS_AT_REST)
    return Measured(speeds, json.loads(found)["look"])


def section(found: Measured, plan: Plan) -> Section:
    """What to say about it."""
    of = plan.automations
    seconds = [of.runs / speed for speed in found.speeds]
    return Section(
        title="Automations",
        text=(
            f"A rule over a field, a split and a contact group: {of.runs:,} contacts go through "
            f"these three steps with {_WORKERS} worker processes, from when all of them are ready "
            "until the last run is over. A worker looks for runs that are due while "
            f"{of.waiting:,} wait for another day."
        ),
        columns=["what", "measured", "target"],
        rows=[
            ["through three steps, seconds", spread(seconds, 2), f"{of.runs / 5_000:.1f}"],
            ["runs a second", spread(found.speeds), "5,000"],
            ["a look for what is due, ms", f"{found.look:.2f}", "5"],
        ],
    )
