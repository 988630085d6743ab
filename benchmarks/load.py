"""The load generator: ready-made requests over a fixed number of connections to one hub.

It shares the machine with what it measures, so it does as little as it can: an event loop in C, a
parser in C, and requests that were put together beforehand.
"""

import asyncio
import gc
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

import httptools
import uvloop

from benchmarks.hub import BenchmarkFailed
from benchmarks.posts import Post
from benchmarks.scenarios import Scenario

_SECONDS_TO_ANSWER = 30
_TICKS_A_SECOND = 1000


@dataclass
class Load:
    """What came of sending requests for a while."""

    requests: int = 0
    acknowledged: int = 0
    # Seconds from when a request was to be sent until its answer was there.
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    # The processor time of the generator itself.
    processor_seconds: float = 0.0
    # One of the answers that did not acknowledge everything, if there was any.
    refusal: str = ""

    @property
    def rows_per_second(self) -> float:
        return self.acknowledged / self.seconds

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds


def drive(scenario: Scenario, port: int, seconds: float) -> Load:
    """Keep every connection busy for `seconds`."""
    return _run(_Generator(scenario, port), seconds, rate=None)


def pace(scenario: Scenario, port: int, seconds: float, rate: float) -> Load:
    """Send `rate` requests a second, whether or not the earlier ones have been answered."""
    return _run(_Generator(scenario, port), seconds, rate=rate)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _run(generator: "_Generator", seconds: float, rate: float | None) -> Load:
    gc.collect()
    gc.disable()
    try:
        uvloop.run(generator.run(seconds, rate))
    finally:
        gc.enable()
    return generator.load


class _Generator:
    """Hands out requests to connections, and adds up what they are answered."""

    def __init__(self, scenario: Scenario, port: int):
        self.scenario = scenario
        self.load = Load()
        self._port = port
        self._posts: Iterator[Post] = cycle(scenario.requests)
        self._connections: list[_Connection] = []
        self._idle: list[_Connection] = []
        # When the requests were to be sent for which there was no connection yet.
        self._waiting: deque[float] = deque()
        # Until then an answer is followed by the next request; with a rate it is not.
        self._stop_at = 0.0
        self._is_all_sent = True
        self._done: asyncio.Future[None]

    async def run(self, seconds: float, rate: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        self._connections = [
            (await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port))[1]
            for _ in range(self.scenario.connections)
        ]
        self._idle = self._connections.copy()
        processor_seconds, started_at = time.process_time(), time.perf_counter()
        try:
            async with asyncio.timeout(seconds + _SECONDS_TO_ANSWER):
                if rate is None:
                    self._keep_busy(started_at + seconds)
                else:
                    await self._send_at_rate(rate, started_at, seconds)
                await self._done
        except TimeoutError:
            raise BenchmarkFailed(f"The hub stopped answering to {self.scenario.name}.") from None
        finally:
            for connection in self._connections:
                connection.close()
        self.load.seconds = time.perf_counter() - started_at
        self.load.processor_seconds = time.process_time() - processor_seconds

    def next_request(self) -> bytes:
        """What to send now."""
        return next(self._posts).render()

    def answered(self, connection: "_Connection", status: int, body: bytes) -> None:
        """Count an answer, and give the connection the next thing to do."""
        now = time.perf_counter()
        load = self.load
        load.requests += 1
        load.latencies.append(now - connection.asked_at)
        acknowledged = self.scenario.count(status, body)
        load.acknowledged += acknowledged
        if acknowledged != self.scenario.rows and not load.refusal:
            load.refusal = f"{status} {body[:300].decode(errors='replace')}"
        if now < self._stop_at:
            connection.ask(now)
        elif self._waiting:
            connection.ask(self._waiting.popleft())
        else:
            self._rest(connection)

    def failed(self, problem: str) -> None:
        """Give up: a connection was lost."""
        if not self._done.done():
            self._done.set_exception(BenchmarkFailed(f"{self.scenario.name}: {problem}"))

    def _rest(self, connection: "_Connection") -> None:
        self._idle.append(connection)
        self._note_end()

    def _note_end(self) -> None:
        is_idle = len(self._idle) == len(self._connections)
        if self._is_all_sent and is_idle and not self._done.done():
            self._done.set_result(None)

    def _keep_busy(self, stop_at: float) -> None:
        self._stop_at = stop_at
        self._idle.clear()
        for connection in self._connections:
            connection.ask(time.perf_counter())

    async def _send_at_rate(self, rate: float, started_at: float, seconds: float) -> None:
        self._is_all_sent = False
        for number in range(max(1, int(rate * seconds))):
            # Timers know no less than milliseconds, so requests are due at full ones.
            due = started_at + math.ceil(number / rate * _TICKS_A_SECOND) / _TICKS_A_SECOND
            if (delay := due - time.perf_counter()) > 0:
                await asyncio.sleep(delay)
            if self._idle:
                self._idle.pop().ask(due)
            else:
                self._waiting.append(due)
        self._is_all_sent = True
        self._note_end()


class _Connection(asyncio.Protocol):
    """One connection, on which requests follow each other."""

    def __init__(self, generator: _Generator):
        self._generator = generator
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self.asked_at = 0.0
        self._is_closing = False

    def ask(self, asked_at: float) -> None:
        """Send the next request, which was to be sent at `asked_at`."""
        assert self._transport is not None
        self.asked_at = asked_at
        self._transport.write(self._generator.next_request())

    def close(self) -> None:
        assert self._transport is not None
        self._is_closing = True
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_closing:
            self._generator.failed(f"the hub closed a connection ({exc}).")

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._generator.failed(f"the answer is no HTTP: {error}.")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        self._generator.answered(self, self._parser.get_status_code(), body)
