"""How many activities a second become rows, by which door, and which part of the limit that is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import psycopg

from benchmarks.hub import Hub
from benchmarks.limit import CONNECTIONS, SIZES, copy_rows, read_rows
from benchmarks.load import Load, drive, pace, percentile
from benchmarks.plan import Plan
from benchmarks.processes import Memory, memory_by_role
from benchmarks.report import Section, spread
from benchmarks.scenarios import Scenario


@dataclass
class Measured:
    """What was measured of one scenario."""

    scenario: Scenario
    loads: list[Load] = field(default_factory=list)
    paced: list[Load] = field(default_factory=list)

    @property
    def half_rate(self) -> float:
        """Half of the requests a second that it takes at most."""
        return median(load.requests_per_second for load in self.loads) / 2


@dataclass
class Throughput:
    """What was measured of all scenarios, and of the limit by the rows of a transaction."""

    doors: list[Measured]
    limits: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in SIZES})
    memory: dict[str, Memory] = field(default_factory=dict)
    # In how many measurements the rows were counted, and how many rows these were.
    counts: int = 0
    rows: int = 0
    problems: list[str] = field(default_factory=list)


def measure(
    hub: Hub, database: psycopg.Connection, scenarios: Sequence[Scenario], plan: Plan
) -> Throughput:
    """Measure the scenarios and the limit in turns, then the latencies at half of that speed."""
    return _Run(hub, database, scenarios, plan).measure()


class _Run:
    def __init__(
        self, hub: Hub, database: psycopg.Connection, scenarios: Sequence[Scenario], plan: Plan
    ):
        self._hub, self._database, self._plan = hub, database, plan
        self._found = Throughput([Measured(scenario) for scenario in scenarios])
        self._rows: list[bytes] = []

    def measure(self) -> Throughput:
        found, plan = self._found, self._plan
        self._warm_up()
        for _ in range(plan.rounds):
            for size in SIZES:
                self._measure_limit(size)
                for door in found.doors:
                    if door.scenario.rows == size:
                        door.loads.append(self._load(door.scenario, plan.seconds))
        for _ in range(plan.latency_rounds):
            for door in found.doors:
                load = self._load(door.scenario, plan.latency_seconds, rate=door.half_rate)
                door.paced.append(load)
        found.memory = memory_by_role(self._hub.pid)
        return found

    def _warm_up(self) -> None:
        """Let every process see everything once, and keep rows for the limit."""
        for door in sorted(self._found.doors, key=lambda door: door.scenario.rows):
            self._load(door.scenario, self._plan.warm_up_seconds)
        self._rows = read_rows(self._database)

    def _measure_limit(self, size: int) -> None:
        self._clear()
        copied = copy_rows(self._database, self._rows, size, self._plan.seconds)
        self._check(f"The limit with {size} rows", copied.rows)
        self._found.limits[size].append(copied.rows_per_second)

    def _load(self, scenario: Scenario, seconds: float, rate: float | None = None) -> Load:
        self._clear()
        if rate is None:
            load = drive(scenario, self._hub.port, seconds)
        else:
            load = pace(scenario, self._hub.port, seconds, rate)
        self._check(scenario.name, load.acknowledged)
        if load.refusal:
            self._found.problems.append(f"{scenario.name} was answered: {load.refusal}")
        return load

    def _clear(self) -> None:
        """Begin each measurement alike: with an empty log, and nothing left to write."""
        self._database.execute("TRUNCATE activities_activity, activities_activityclaim")
        self._database.execute("CHECKPOINT")

    def _check(self, name: str, acknowledged: int) -> None:
        """Compare what was acknowledged with what is there."""
        row = self._database.execute("SELECT count(*) FROM activities_activity").fetchone()
        assert row is not None
        self._found.counts += 1
        self._found.rows += row[0]
        self._found.problems += difference(name, acknowledged=acknowledged, stored=row[0])


def difference(name: str, *, acknowledged: int, stored: int) -> list[str]:
    """The problem that it is if not exactly what was acknowledged is stored."""
    if stored == acknowledged:
        return []
    return [f"{name}: {acknowledged:,} activities were acknowledged, but {stored:,} are stored."]


def sections(found: Throughput) -> list[Section]:
    """What to say about it."""
    return [_speeds(found), _limits(found), _latencies(found), _memory(found)]


def _speeds(found: Throughput) -> Section:
    return Section(
        title="Recording",
        text=(
            "Activities a second that are acknowledged, which means committed, with every "
            "connection busy; and which part that is of the rows a second that PostgreSQL takes "
            "with as many rows a transaction. The generator shares the machine: its part of one "
            f"core is in the last column. In {found.counts} measurements {found.rows:,} rows were "
            "counted; "
            + ("not all were right." if found.problems else "each time all that was acknowledged.")
        ),
        columns=[
            *("door", "activities/s", "requests/s"),
            *("part of the limit", "target", "reached", "generator"),
        ],
        rows=[_speed(door, found.limits[door.scenario.rows]) for door in found.doors],
        problems=found.problems,
    )


def _speed(door: Measured, limits: list[float]) -> list[str]:
    shares = [load.rows_per_second / limit for load, limit in zip(door.loads, limits, strict=True)]
    target = door.scenario.target
    reached = "" if target is None else "yes" if median(shares) >= target else "no"
    return [
        door.scenario.name,
        spread([load.rows_per_second for load in door.loads]),
        spread([load.requests_per_second for load in door.loads]),
        spread(shares, 2),
        "" if target is None else f"{target:.2f}",
        reached,
        spread([load.processor_seconds / load.seconds for load in door.loads], 2),
    ]


def _limits(found: Throughput) -> Section:
    return Section(
        title="The limit",
        text=(
            f"Rows a second into the same table by COPY, over {CONNECTIONS} connections: "
            "PostgreSQL alone."
        ),
        columns=["rows a transaction", "rows/s"],
        rows=[[f"{size:,}", spread(speeds)] for size, speeds in found.limits.items()],
    )


def _latencies(found: Throughput) -> Section:
    return Section(
        title="Latency at half of the maximum",
        text=(
            "Requests come at a steady rate, half of what the door takes at most. Milliseconds "
            "from when a request is due until its answer is there."
        ),
        columns=["door", "requests/s", "p50", "p99"],
        rows=[
            [
                door.scenario.name,
                f"{door.half_rate:,.0f}",
                *(
                    spread([percentile(load.latencies, percent) * 1000 for load in door.paced], 1)
                    for percent in (50, 99)
                ),
            ]
            for door in found.doors
        ],
    )


def _memory(found: Throughput) -> Section:
    return Section(
        title="Memory after that",
        text="MiB. PSS counts what processes share only once.",
        columns=["part", "processes", "RSS", "PSS"],
        rows=[
            [role, str(size.processes), f"{size.rss / 2**20:,.0f}", f"{size.pss / 2**20:,.0f}"]
            for role, size in sorted(found.memory.items())
        ],
    )
