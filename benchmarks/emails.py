"""How many emails a second a worker prepares and hands over."""

import json
import socket
import sys
import time
from dataclasses import dataclass

from benchmarks.hub import BenchmarkFailed, Hub, end, free_port
from benchmarks.plan import Plan
from benchmarks.report import Section, spread

_SECONDS = 900
_SECONDS_TO_COME_UP = 30.0


@dataclass
class Measured:
    """Emails a second, prepared and handed over in each round, and the most memory."""

    prepared: list[float]
    sent: list[float]
    megabytes: float


def measure(hub: Hub, plan: Plan) -> Measured:
    """Measure a worker of a hub that is stopped, while its database runs."""
    port = free_port()
    sink = hub.launch([sys.executable, "-m", "benchmarks.sink", str(port)])
    try:
        _wait_for(port)
        rounds = [
            json.loads(hub.stage(f"measure({plan.emails}, {port})", "mailing", _SECONDS))
            for _ in range(plan.worker_rounds)
        ]
    finally:
        end(sink)
    return Measured(
        [one["prepared"] for one in rounds],
        [one["sent"] for one in rounds],
        max(one["megabytes"] for one in rounds),
    )


def section(found: Measured, plan: Plan) -> Section:
    """What to say about it."""
    return Section(
        title="Emails",
        text=(
            f"{plan.emails:,} emails to contacts who have agreed, in one process: who may get one "
            "is asked, each is rendered and stored; then each is marked, handed over to a mail "
            "server on this machine over 8 connections, and noted as sent."
        ),
        columns=["what", "measured", "target"],
        rows=[
            ["prepared a second", spread(found.prepared), "1,000"],
            ["handed over a second", spread(found.sent), "500"],
            ["memory, MB", f"{found.megabytes:.0f}", "150"],
        ],
    )


def _wait_for(port: int) -> None:
    give_up_at = time.monotonic() + _SECONDS_TO_COME_UP
    while time.monotonic() < give_up_at:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchmarkFailed("The mail server that emails are handed to did not come up.")
