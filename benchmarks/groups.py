"""How fast contact groups are: to build, to follow what contacts do, to let them go, to explain."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from benchmarks.hub import BenchmarkFailed, Hub
from benchmarks.load import Load, drive, pace, percentile
from benchmarks.plan import Plan
from benchmarks.report import Section, code_block, spread
from benchmarks.scenarios import Scenario, Staged, make_joining

_JOINING_RATE = 1000
_SECONDS_AT_REST = 1800
_SECONDS_TO_FOLLOW = 60
# From when windows are made until recording can be measured.
_SECONDS_TO_BE_READY = 1.0
_SECONDS_BETWEEN_LOOKS = 0.02
# Seldom: each look has to pass all those who have left, which would slow down what is measured.
_SECONDS_BETWEEN_LOOKS_AT_A_WAVE = 0.1
# For so long activities are recorded at a time, until the last contact has left.
_SECONDS_OF_RECORDING = 0.5

# `since` grows from transaction to transaction: one worker at a time lets contacts enter.
_ENTERED = """
SELECT contact_id, since, clock_timestamp() FROM groups_membership
WHERE group_id = (SELECT id FROM groups_contactgroup WHERE code_name = 'benchmark-0')
AND contact_id >= %s AND since > %s
"""
_RECORDED = """
SELECT contact_id, max(recorded_at) FROM activities_activity WHERE contact_id = ANY(%s) GROUP BY 1
"""
_ARE_MEMBERS = """
SELECT EXISTS (SELECT FROM groups_membership WHERE group_id = %s), clock_timestamp()
"""


class Wave(NamedTuple):
    """Windows that ended together: seconds until all contacts had left, and how recording went.

    That is the activities a second meanwhile, as a part of those before and after.
    """

    seconds: float
    recording: float


@dataclass
class Measured:
    """What was measured: for each round the members of `grouping.Figures`, and the rest once."""

    figures: list[dict[str, Any]]
    # The GUIDs of contacts that lack one activity to be in the group.
    joining: list[str]
    # Seconds from when an activity was recorded until the contact was seen in the group.
    latencies: list[float] = field(default_factory=list)
    waves: list[Wave] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def measure_at_rest(hub: Hub, plan: Plan) -> Measured:
    """Fill a hub that is stopped, while its database runs, and measure what a worker does there."""
    of = plan.groups
    call = f"measure_sample({of.contacts}, {plan.worker_rounds}, {of.touched}, {of.groups}"
    # One is for warming up.
    found = hub.stage(f"{call}, {of.joining + 1})", "grouping", _SECONDS_AT_REST)
    return Measured(**json.loads(found))


def measure_under_load(
    hub: Hub,
    database: psycopg.Connection,
    staged: Staged,
    usual: Scenario,
    plan: Plan,
    found: Measured,
) -> None:
    """Measure the same hub while it runs, and records activities of the `usual` scenario."""
    hub.stage("wait_until_all_is_read()", "grouping", _SECONDS_AT_REST)
    run = _UnderLoad(hub, database, staged, plan, found)
    first, *others = found.joining
    run.join([first])
    found.latencies = run.join(others)
    found.waves = [run.wave(usual) for _ in range(plan.worker_rounds)]


class _UnderLoad:
    def __init__(
        self, hub: Hub, database: psycopg.Connection, staged: Staged, plan: Plan, found: Measured
    ):
        self._hub, self._database, self._staged = hub, database, staged
        self._plan, self._found = plan, found

    def join(self, guids: list[str]) -> list[float]:
        """Let these contacts enter the group while others do something; seconds of each."""
        scenario = make_joining(self._staged, self._hub.port, guids)
        rows = self._database.execute(
            "SELECT id FROM contacts_contact WHERE guid = ANY(%s)", [guids]
        )
        ids = [contact_id for (contact_id,) in rows]
        with ThreadPoolExecutor(1) as pool:
            entering = pool.submit(self._watch_entering, ids)
            seconds = len(scenario.requests) / _JOINING_RATE
            self._check(pace(scenario, self._hub.port, seconds, _JOINING_RATE))
            entered = entering.result()
        recorded = self._database.execute(_RECORDED, [ids]).fetchall()
        return [(entered[contact_id] - at).total_seconds() for contact_id, at in recorded]

    def wave(self, usual: Scenario) -> Wave:
        """Let the windows of many contacts end at one moment, and see how recording goes on."""
        of, spare = self._plan.groups, self._plan.seconds + _SECONDS_TO_BE_READY
        call = f"stage_wave({of.wave}, {of.wave_seconds}, {spare})"
        staged = json.loads(self._hub.stage(call, "grouping", _SECONDS_AT_REST))
        ends_at = datetime.fromisoformat(staged["ends_at"])
        before = self._record(usual, self._plan.seconds)
        time.sleep(max(0.0, (ends_at - self._now()).total_seconds()))
        loads: list[Load] = []
        with ThreadPoolExecutor(1) as pool:
            leaving = pool.submit(self._watch_leaving, staged["group"])
            while not loads or not leaving.done():
                loads.append(self._record(usual, min(self._plan.seconds, _SECONDS_OF_RECORDING)))
            left_at = leaving.result()
        after = self._record(usual, self._plan.seconds)
        return Wave((left_at - ends_at).total_seconds(), _speed(*loads) / _speed(before, after))

    def _record(self, usual: Scenario, seconds: float) -> Load:
        load = drive(usual, self._hub.port, seconds)
        self._check(load)
        return load

    def _check(self, load: Load) -> None:
        if load.refusal:
            self._found.problems.append(f"While groups were measured: {load.refusal}")

    def _now(self) -> datetime:
        row = self._database.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        return row[0]

    def _watch_entering(self, ids: list[int]) -> dict[int, datetime]:
        """When each of these contacts was seen in the group."""
        entered: dict[int, datetime] = {}
        newest = self._now()

        def have_entered() -> bool:
            nonlocal newest
            for contact_id, since, seen_at in self._database.execute(_ENTERED, [min(ids), newest]):
                entered[contact_id] = seen_at
                newest = max(newest, since)
            return entered.keys() >= set(ids)

        _wait_until(have_entered, "The contacts that join a group were not all in it")
        return entered

    def _watch_leaving(self, group_id: int) -> datetime:
        """When nobody was seen in the group any more."""
        left_at = self._now()

        def have_left() -> bool:
            nonlocal left_at
            row = self._database.execute(_ARE_MEMBERS, [group_id]).fetchone()
            assert row is not None
            are_members, left_at = row
            return not are_members

        problem = "The contacts whose windows ended had not all left the group"
        _wait_until(have_left, problem, _SECONDS_BETWEEN_LOOKS_AT_A_WAVE)
        return left_at


def sections(found: Measured, plan: Plan) -> list[Section]:
    """What to say about it."""
    of = plan.groups

    def spread_of(name: str, scale: float = 1.0, digits: int = 2) -> str:
        return spread([figures[name] * scale for figures in found.figures], digits)

    def latency(percent: float) -> str:
        return f"{percentile(found.latencies, percent):.2f}"

    like_it = f"{of.groups} groups like it"
    rows = [
        ["full build, seconds", spread_of("build", 0.001), "2 with ten times as many"],
        [
            f"{of.touched:,} touched contacts, {like_it}, seconds",
            spread_of("increments", 0.001),
            "2.5",
        ],
        ["an explanation, ms", spread_of("explanation", digits=1), "10"],
        ["from an activity to membership, p50, seconds", latency(50), "0.3"],
        ["from an activity to membership, p99, seconds", latency(99), "2"],
        [
            f"{of.wave:,} windows end, until all contacts have left, seconds",
            spread([wave.seconds for wave in found.waves], 1),
            "5",
        ],
        [
            "recording meanwhile, as a part of the usual",
            spread([wave.recording for wave in found.waves], 2),
            "0.80",
        ],
    ]
    return [
        Section(
            title="Contact groups",
            text=(
                "Loans looked at within 30 days, a loan of 5,000 or more calculated twice, agreed "
                f"to be followed, and not in the USA: {spread_of('members', digits=0)} of "
                f"{of.contacts:,} contacts, who have ten activities each. Building, looking at "
                "contacts again and explaining is done by one process while nothing else runs; "
                f"the rest in a running hub with this group alone. There {of.joining:,} contacts "
                f"enter it while {_JOINING_RATE:,} activities come in a second. Windows end while "
                "every connection is busy with one activity a request."
            ),
            columns=["what", "measured", "target"],
            rows=rows,
            problems=found.problems,
        ),
        Section(
            title="How PostgreSQL builds that group",
            columns=[],
            rows=[],
            text=code_block(found.figures[-1]["plan"]),
        ),
    ]


def _speed(*loads: Load) -> float:
    return sum(load.acknowledged for load in loads) / sum(load.seconds for load in loads)


def _wait_until(
    condition: Callable[[], bool], problem: str, seconds: float = _SECONDS_BETWEEN_LOOKS
) -> None:
    give_up_at = time.monotonic() + _SECONDS_TO_FOLLOW
    while not condition():
        if time.monotonic() > give_up_at:
            raise BenchmarkFailed(f"{problem} after {_SECONDS_TO_FOLLOW} seconds.")
        time.sleep(seconds)
