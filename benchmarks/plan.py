"""How long everything is measured, and how often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GroupPlan:
    """The amount of measuring of contact groups."""

    # With ten activities each.
    contacts: int
    # Contacts that are touched, and groups that care.
    touched: int
    groups: int
    # Contacts that enter a group by their activity, which is one of ten that come in.
    joining: int
    # Contacts whose windows end at one moment, and seconds that should be enough to make them.
    wave: int
    wave_seconds: float


@dataclass(frozen=True)
class AutomationPlan:
    """The amount of measuring of automations."""

    # Contacts that go through three steps, and runs that wait while workers look for due ones.
    runs: int
    waiting: int


@dataclass(frozen=True)
class Plan:
    """The amount of measuring: what a run takes its time for."""

    # Everything is measured once in each round, so that a change of the machine meets all of it.
    rounds: int
    seconds: float
    warm_up_seconds: float
    # Contacts that requests are about; at least 20.
    people: int
    # Doors that miss their target and are profiled, at most.
    profiles: int
    profile_seconds: int
    latency_seconds: float
    starts: int
    worker_rounds: int
    worker_processes: tuple[int, ...]
    jobs: int
    # Activities that a reader reads; a multiple of 500.
    read: int
    groups: GroupPlan
    automations: AutomationPlan
    # Emails that are prepared and handed over.
    emails: int
    # Messages that go out to a destination, in each of three ways.
    deliveries: int


FULL = Plan(
    rounds=5,
    seconds=2.5,
    warm_up_seconds=1.0,
    people=500,
    profiles=20,
    profile_seconds=5,
    latency_seconds=2.0,
    starts=3,
    worker_rounds=3,
    worker_processes=(1, 2, 4),
    jobs=5000,
    read=300_000,
    groups=GroupPlan(
        contacts=100_000,
        touched=1000,
        groups=50,
        joining=1000,
        wave=100_000,
        wave_seconds=60.0,
    ),
    automations=AutomationPlan(runs=100_000, waiting=1_000_000),
    emails=20_000,
    deliveries=20_000,
)
QUICK = Plan(
    rounds=2,
    seconds=0.6,
    warm_up_seconds=0.2,
    people=500,
    profiles=3,
    profile_seconds=1,
    latency_seconds=0.3,
    starts=1,
    worker_rounds=1,
    worker_processes=(1, 2, 4),
    jobs=1000,
    read=50_000,
    groups=GroupPlan(
        contacts=20_000,
        touched=1000,
        groups=50,
        joining=300,
        wave=20_000,
        wave_seconds=15.0,
    ),
    automations=AutomationPlan(runs=5_000, waiting=50_000),
    emails=1_000,
    deliveries=3_000,
)
