"""How long the hub takes to start, and how much browsers have to load."""

import gzip
import time
from dataclasses import dataclass, field

from benchmarks.hub import BenchmarkFailed, Hub
from benchmarks.report import Section, spread

_TRACKER = "/Kentico.Resource/CrossSiteTracking/Logger.js"


@dataclass
class Starting:
    """Seconds, and bytes."""

    first_start: float
    starts: list[float] = field(default_factory=list)
    checks: list[float] = field(default_factory=list)
    tracker_bytes: int = 0
    tracker_bytes_zipped: int = 0


def weigh_tracker(hub: Hub, host: str, found: Starting) -> None:
    """Load the tracker's file from a running hub, as a page on any website does."""
    with hub.get(_TRACKER, host) as answer:
        address = answer.headers.get("Location", "")
    with hub.get(address, host) as answer:
        source = answer.read()
    if answer.status != 200:
        raise BenchmarkFailed(f"{address} was answered with {answer.status}.")
    found.tracker_bytes = len(source)
    found.tracker_bytes_zipped = len(gzip.compress(source))


def measure(hub: Hub, starts: int, found: Starting) -> None:
    """Start a hub that is stopped, and has its database already, so often; leave it running."""
    for _ in range(starts):
        started_at = time.perf_counter()
        hub.manage("check")
        found.checks.append(time.perf_counter() - started_at)
    for _ in range(starts):
        hub.stop()
        found.starts.append(hub.start())


def section(found: Starting) -> Section:
    """What to say about it."""
    return Section(
        title="Start and size",
        text=(
            "From the start of the command until `GET /health/live` is answered 200. The first "
            "start also makes the database and the demo."
        ),
        columns=["what", "how much"],
        rows=[
            ["`make run`, first start", f"{found.first_start:.1f} s"],
            ["`make run`, later", f"{spread(found.starts, 1)} s"],
            ["`manage.py check`", f"{spread(found.checks, 2)} s"],
            ["the tracker", f"{found.tracker_bytes:,} bytes"],
            ["the tracker, gzip", f"{found.tracker_bytes_zipped:,} bytes"],
        ],
    )
