"""How many deliveries a second a worker sends, and what a destination that hangs costs others."""

import json
import socket
import sys
import time
from dataclasses import dataclass

from benchmarks.hub import BenchmarkFailed, Hub, end, free_port
from benchmarks.plan import Plan
from benchmarks.report import Section, spread

_SECONDS = 1_200
_SECONDS_TO_COME_UP = 30.0


@dataclass
class Measured:
    """Deliveries a second in each round, alone and beside others; µs of the worker for one."""

    alone: list[float]
    dripping: list[float]
    silent: list[float]
    worker: list[float]


def measure(hub: Hub, plan: Plan) -> Measured:
    """Measure a worker of a hub that is stopped, while its database runs."""
    ports = [free_port() for _ in range(3)]
    receiver = hub.launch([sys.executable, "-m", "benchmarks.receiver", *map(str, ports)])
    try:
        for port in ports:
            _wait_for(port)
        quick, dripping, silent = ports
        call = f"measure({plan.deliveries}, {plan.worker_rounds}, {quick}, {dripping}, {silent})"
        return Measured(**json.loads(hub.stage(call, "delivering", _SECONDS)))
    finally:
        end(receiver)


def section(found: Measured, plan: Plan) -> Section:
    """What to say about it."""
    return Section(
        title="Deliveries",
        text=(
            f"{plan.deliveries:,} messages wait for a webhook on this machine that takes them at "
            "once; one process signs, sends and notes them. Beside it, the same while 1,000 "
            "messages wait for a destination that answers a byte a second, or not at all."
        ),
        columns=["what", "measured", "target"],
        rows=[
            ["delivered a second", spread(found.alone), "2,000"],
            ["processor time of the worker for each, µs", spread(found.worker), ""],
            [
                "beside one that answers a byte a second",
                spread(_parts(found, "dripping"), 2),
                "0.95",
            ],
            ["beside one that does not answer", spread(_parts(found, "silent"), 2), "0.95"],
        ],
    )


def _parts(found: Measured, name: str) -> list[float]:
    """Of the speed alone, what it is beside others, round by round."""
    return [beside / alone for beside, alone in zip(getattr(found, name), found.alone, strict=True)]


def _wait_for(port: int) -> None:
    give_up_at = time.monotonic() + _SECONDS_TO_COME_UP
    while time.monotonic() < give_up_at:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchmarkFailed("What deliveries go out to did not come up.")
