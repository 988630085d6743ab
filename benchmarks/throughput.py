"""How many activities a second become rows, by which door, and which part of the limit that is."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

import psycopg

from benchmarks.hub import ROOT, Hub
from benchmarks.limit import CONNECTIONS, SIZES, copy_rows, read_rows
from benchmarks.load import Load, drive, pace, percentile
from benchmarks.plan import Plan
from benchmarks.processes import (
    Clock,
    Memory,
    busiest_web_process,
    memory_by_role,
    read_clock,
)
from benchmarks.profiling import Profile, spy
from benchmarks.report import Section, read_table, spread
from benchmarks.scenarios import Scenario

# py-spy takes its time to begin.
_SECONDS_AROUND_A_PROFILE = 2.0
_SHOWN_FUNCTIONS = 15
_TRIED = ROOT / "docs" / "performance.md"


@dataclass
class Measured:
    """What was measured of one scenario."""

    scenario: Scenario
    loads: list[Load] = field(default_factory=list)
    # What each of these loads cost.
    costs: list[Clock] = field(default_factory=list)
    profile: Profile | None = None
    paced: list[Load] = field(default_factory=list)

    @property
    def half_rate(self) -> float:
        """Half of the requests a second that it takes at most."""
        return median(load.requests_per_second for load in self.loads) / 2

    def shares_of(self, limits: Sequence[float]) -> list[float]:
        """Which part of the limit it reaches in each round."""
        return [
            load.rows_per_second / limit for load, limit in zip(self.loads, limits, strict=True)
        ]

    def misses_target(self, limits: Sequence[float]) -> bool:
        target = self.scenario.target
        return target is not None and median(self.shares_of(limits)) < target


@dataclass
class Throughput:
    """What was measured of all scenarios, and of the limit by the rows of a transaction."""

    doors: list[Measured]
    limits: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in SIZES})
    limit_costs: dict[int, list[Clock]] = field(
        default_factory=lambda: {size: [] for size in SIZES}
    )
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
                        load, cost = self._load(door.scenario, plan.seconds)
                        door.loads.append(load)
                        door.costs.append(cost)
        slow = [
            door for door in found.doors if door.misses_target(found.limits[door.scenario.rows])
        ]
        for door in slow[: plan.profiles]:
            door.profile = self._profile(door.scenario)
        for _ in range(plan.rounds):
            for door in found.doors:
                load, _ = self._load(door.scenario, plan.latency_seconds, rate=door.half_rate)
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
        began = self._clock()
        copied = copy_rows(self._database, self._rows, size, self._plan.seconds)
        self._found.limit_costs[size].append(self._clock().since(began))
        self._check(f"The limit with {size} rows", copied.rows)
        self._found.limits[size].append(copied.rows_per_second)

    def _load(
        self, scenario: Scenario, seconds: float, rate: float | None = None
    ) -> tuple[Load, Clock]:
        """Send the requests of a scenario; what came of it, and what it cost."""
        self._clear()
        began = self._clock()
        if rate is None:
            load = drive(scenario, self._hub.port, seconds)
        else:
            load = pace(scenario, self._hub.port, seconds, rate)
        cost = self._clock().since(began)
        self._check(scenario.name, load.acknowledged)
        if load.refusal:
            self._found.problems.append(f"{scenario.name} was answered: {load.refusal}")
        return load, cost

    def _profile(self, scenario: Scenario) -> Profile:
        """Who holds the interpreter of a web process, in a run that counts for nothing else."""
        seconds = self._plan.profile_seconds
        with ThreadPoolExecutor(1) as pool:
            profile = pool.submit(spy, busiest_web_process(self._hub.pid), seconds)
            self._load(scenario, seconds + _SECONDS_AROUND_A_PROFILE)
        return profile.result()

    def _clock(self) -> Clock:
        return read_clock(self._hub.pid, self._database.info.backend_pid)

    def _clear(self) -> None:
        """Begin each measurement alike: with an empty log, and nothing left to write."""
        self._database.execute(
            "TRUNCATE activities_activity, activities_activityclaim, activities_rejectedactivity"
        )
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
    return [
        _speeds(found),
        _limits(found),
        _costs(found),
        _profiles(found),
        *_tried(found),
        _latencies(found),
        _memory(found),
    ]


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
            + (
                " Why a target is missed, *What a web process does* and what is around it say."
                if _misses_a_target(found)
                else ""
            )
        ),
        columns=[
            *("door", "activities/s", "requests/s"),
            *("part of the limit", "target", "reached", "generator"),
        ],
        rows=[_speed(door, found.limits[door.scenario.rows]) for door in found.doors],
        problems=found.problems,
    )


def _speed(door: Measured, limits: list[float]) -> list[str]:
    target = door.scenario.target
    return [
        door.scenario.name,
        spread([load.rows_per_second for load in door.loads]),
        spread([load.requests_per_second for load in door.loads]),
        spread(door.shares_of(limits), 2),
        "" if target is None else f"{target:.2f}",
        "" if target is None else "no" if door.misses_target(limits) else "yes",
        spread([load.processor_seconds / load.seconds for load in door.loads], 2),
    ]


def _misses_a_target(found: Throughput) -> bool:
    return any(door.misses_target(found.limits[door.scenario.rows]) for door in found.doors)


def _tried(found: Throughput) -> list[Section]:
    """What did not make it faster: for who wants to."""
    if not _misses_a_target(found):
        return []
    _, *rows = read_table(_TRIED.read_text(), "What was tried")
    return [Section("What was tried to reach the targets", ["what", "what came of it"], rows)]


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


def _costs(found: Throughput) -> Section:
    costs = {door.scenario.name: door.costs for door in found.doors}
    costs |= {f"the limit, {size:,} a transaction": found.limit_costs[size] for size in SIZES}
    return Section(
        title="Where the processor time goes",
        text=(
            "Per cent of all cores, while the above was measured. For the limit, the generator is "
            "the program that copies."
        ),
        columns=["door", "web", "PostgreSQL", "generator", "others", "idle"],
        rows=[
            [name, *(spread([cost.per_cent(part) for cost in of_one]) for part in Clock._fields)]
            for name, of_one in costs.items()
        ],
    )


def _profiles(found: Throughput) -> Section:
    """What a web process does with its interpreter, which one thread at a time can hold."""
    profiles = {door.scenario.name: door.profile for door in found.doors if door.profile}
    total = Counter[str]()
    for profile in profiles.values():
        total.update(profile.shares)
    failures = [
        f"{name}: {profile.failure}" for name, profile in profiles.items() if profile.failure
    ]
    return Section(
        title="What a web process does",
        text="\n".join(
            [
                "Per cent of the time in which a function of the hub, or what it had called, held "
                "the interpreter, which only one thread can at a time: seen by py-spy, the most "
                "frequent ones. Waiting for PostgreSQL is not in it.",
                *(f"There is no profile of {failure}" for failure in failures),
            ]
        ),
        columns=["function", *profiles],
        rows=[
            ["all", *(f"{profile.held:.0%}" for profile in profiles.values())],
            *(
                [name, *(f"{profile.shares[name]:.0%}" for profile in profiles.values())]
                for name, _ in total.most_common(_SHOWN_FUNCTIONS)
            ),
        ],
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
