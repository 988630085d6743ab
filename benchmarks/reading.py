"""How many activities a second a reader reads."""

import json

from benchmarks.hub import BenchmarkFailed, Hub
from benchmarks.plan import Plan
from benchmarks.report import Section, spread


def measure(hub: Hub, plan: Plan) -> list[float]:
    """Measure the reader of a hub that is stopped, while its database runs."""
    return [_measure_once(hub, plan.read) for _ in range(plan.worker_rounds)]


def section(found: list[float], plan: Plan) -> Section:
    """What to say about it."""
    return Section(
        title="Readers",
        text=(
            f"The reader `seen` reads {plan.read:,} activities that were just recorded, in the way "
            "of a worker: 10,000 in a transaction, with its position. Nothing else runs."
        ),
        columns=["reader", "activities/s"],
        rows=[["seen", spread(found)]],
    )


def _measure_once(hub: Hub, activities: int) -> float:
    found = json.loads(hub.stage(f"time_reading({activities})"))
    if found["left"]:
        raise BenchmarkFailed("The reader stopped before it had read everything.")
    return activities / found["seconds"]
