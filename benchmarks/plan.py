"""How long everything is measured, and how often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The amount of measuring: what a run takes its time for."""

    # Everything is measured once in each round, so that a change of the machine meets all of it.
    rounds: int
    seconds: float
    warm_up_seconds: float
    profile_seconds: int
    latency_seconds: float
    starts: int
    worker_rounds: int
    worker_processes: tuple[int, ...]
    jobs: int


FULL = Plan(
    rounds=5,
    seconds=2.5,
    warm_up_seconds=1.0,
    profile_seconds=5,
    latency_seconds=2.0,
    starts=3,
    worker_rounds=3,
    worker_processes=(1, 2, 4),
    jobs=1000,
)
QUICK = Plan(
    rounds=2,
    seconds=0.6,
    warm_up_seconds=0.2,
    profile_seconds=1,
    latency_seconds=0.3,
    starts=1,
    worker_rounds=1,
    worker_processes=(1, 2, 4),
    # So many that every thread of four workers, which take some ahead, has something to do.
    jobs=100,
)
