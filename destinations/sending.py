"""Sending: requests run in one event loop of this process, and each destination has a lane there.

Threads that talk to the database put deliveries into a lane, and take out what came of them.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from itertools import takewhile

import uvloop
from django.utils import timezone

from destinations.batching import Batch
from destinations.http import Client
from destinations.models import Delivery
from destinations.noting import Tried
from destinations.outcomes import Outcome, Result
from destinations.resting import Health

_log = logging.getLogger(__name__)

# A kind has 15 seconds, and ends by itself; this is for one that does not.
_MOST_SECONDS = 20.0
# What came of requests is noted together with what comes so soon after it.
_SECONDS_TO_GATHER = 0.05
# Whether messages may go out is asked when they are marked. One that has waited longer for its turn
# goes back, is marked once more, and with that asked about again.
_SECONDS_TO_WAIT = 5.0
_NOT_BEGUN = Outcome(Result.NOT_BEGUN)
_LOST = Outcome(Result.LOST, error="The worker ended before there was an answer.")


class Loop:
    """An event loop in a thread of its own, with the client of all destinations."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._is_up: Future[Client] = Future()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)
        self._thread.start()
        self.client = self._is_up.result()

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Have a function called in the loop, soon."""
        self.loop.call_soon_threadsafe(function, *arguments)

    def call_in(self, seconds: float, function: Callable[[], object]) -> None:
        """Have a function called in the loop after so many seconds, if the loop lives so long."""
        self.call(self.loop.call_later, seconds, function)

    def close(self) -> None:
        """End it, with all of its connections."""
        self.call(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self.loop.run_until_complete(self._live())
        finally:
            self.loop.close()

    async def _live(self) -> None:
        try:
            async with Client() as client:
                self._is_up.set_result(client)
                await self._end.wait()
        except BaseException as error:
            if not self._is_up.done():
                self._is_up.set_exception(error)
            raise


class Lane:
    """The way to one destination. All of it but `send`, `take`, `close` and `cancel` is the loop's.

    :ivar health: how the destination is doing
    :ivar news: set when a thread should take what has come, or may send more
    """

    def __init__(self, loop: Loop, health: Health):
        self.health = health
        self.news = threading.Event()
        self._loop = loop
        # Each with when it came.
        self._todo: deque[tuple[float, Batch]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._done: deque[Tried] = deque()
        self._is_closed = False
        self._gathers = False
        # Deliveries in it and not taken out yet, and at how many of them more are wanted; the
        # thread's.
        self.on_their_way: dict[int, Delivery] = {}
        self.low = 0
        # How many are neither done nor given back; the loop's.
        self._left = 0

    def send(self, batches: Sequence[Batch], *, low: int = 0) -> None:
        """Send these, and tell when no more than `low` deliveries are left."""
        self.low = low
        for batch in batches:
            self.on_their_way.update((one.pk, one) for one in batch.deliveries)
        self._loop.call(self._add, batches)

    def take(self) -> list[Tried]:
        """What came of deliveries since the last time."""
        taken: list[Tried] = []
        while self._done:
            one = self._done.popleft()
            self.on_their_way.pop(one.delivery_id, None)
            taken.append(one)
        return taken

    def close(self) -> None:
        """Begin nothing any more."""
        self._loop.call(self._close)

    def cancel(self) -> None:
        """Wait for no answer any more."""
        self._loop.call(self._cancel)

    def _add(self, batches: Iterable[Batch]) -> None:
        now = time.monotonic()
        for batch in batches:
            self._todo.append((now, batch))
            self._left += len(batch.deliveries)
        self._go_on()

    def _go_on(self) -> None:
        """Begin as many requests as the destination may have."""
        while self._todo:
            if self._is_closed or self.health.is_resting(timezone.now()):
                self._give_back(len(self._todo))
            elif len(self._running) >= self.health.width:
                return
            elif stale := self._stale():
                self._give_back(stale)
            else:
                _, batch = self._todo.popleft()
                task = self._loop.loop.create_task(self._deliver(batch))
                self._running.add(task)
                task.add_done_callback(self._ended)

    def _stale(self) -> int:
        """How many batches have waited for too long; the first ones have waited longest."""
        came_before = time.monotonic() - _SECONDS_TO_WAIT
        return sum(1 for _ in takewhile(lambda one: one[0] < came_before, self._todo))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._go_on()

    def _give_back(self, count: int) -> None:
        for _ in range(count):
            _, batch = self._todo.popleft()
            self._note(batch, [_NOT_BEGUN] * len(batch.deliveries))
        self.news.set()

    def _close(self) -> None:
        self._is_closed = True
        self._give_back(len(self._todo))

    def _cancel(self) -> None:
        self._close()
        for task in self._running:
            task.cancel()

    async def _deliver(self, batch: Batch) -> None:
        try:
            outcomes = await _outcomes_of(batch, self._loop.client)
            self.health.note(outcomes, timezone.now())
        except asyncio.CancelledError:
            outcomes = [_LOST] * len(batch.deliveries)
        self._note(batch, outcomes)
        self._tell()

    def _note(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self._left -= len(batch.deliveries)
        for one, outcome in zip(batch.deliveries, outcomes, strict=True):
            self._done.append(Tried(one.pk, one.attempts, outcome))

    def _tell(self) -> None:
        """Have the thread come, at once if it has to bring more."""
        if self._left <= self.low:
            self.news.set()
        elif not self._gathers:
            self._gathers = True
            self._loop.loop.call_later(_SECONDS_TO_GATHER, self._have_gathered)

    def _have_gathered(self) -> None:
        self._gathers = False
        self.news.set()


async def _outcomes_of(batch: Batch, client: Client) -> list[Outcome]:
    """What comes of a batch, whatever its kind does."""
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            outcomes = await batch.kind.deliver(batch.destination, batch.deliveries, client)
    except TimeoutError:
        return _all_failed(batch, f"There was no answer within {_MOST_SECONDS:.0f} seconds.")
    except Exception as error:  # of this kind alone: what came of the others must be noted
        _log.exception("Deliveries to “%s” ended with an error.", batch.destination.code_name)
        return _all_failed(batch, f"The hub could not send it ({type(error).__name__}).")
    if len(outcomes) != len(batch.deliveries):
        return _all_failed(batch, "The hub does not know what came of it.")
    return list(outcomes)


def _all_failed(batch: Batch, error: str) -> list[Outcome]:
    return [Outcome(Result.FAILED, error=error)] * len(batch.deliveries)


_loop: Loop | None = None
_mutex = threading.Lock()


def the_loop() -> Loop:
    """The loop of this process, from the first use on."""
    global _loop
    with _mutex:
        if _loop is None:
            _loop = Loop()
        return _loop


def close_loop() -> None:
    """End the loop of this process, if it has one; the next use makes another."""
    global _loop
    with _mutex:
        if _loop is not None:
            _loop.close()
            _loop = None
