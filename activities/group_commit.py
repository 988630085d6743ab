"""Group commit: what arrives while one commit is under way shares the next one.

A commit waits for the disk, and so do all who queue behind it. So a thread of its own writes:
whoever comes first at once, alone; then all who have come meanwhile, together. Nobody waits for
company. If more waits than a group has room for, a second thread helps.
"""

import asyncio
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

_log = logging.getLogger(__name__)


# A writing thread ends, and gives its connection back, when for so long nobody has come.
_LINGER_SECONDS = 0.1
# While the database works on what one has sent, the other can check.
_MOST_WRITERS = 2


class Busy(Exception):
    """Too much is waiting to be written: try again later."""


@dataclass(eq=False, slots=True)
class _Place[Item, Result]:
    """A place in the queue, and what will become of it."""

    item: Item
    size: int
    future: "Future[Result] | asyncio.Future[Result]"
    # Where the future has to be settled; None if anywhere.
    loop: asyncio.AbstractEventLoop | None = None


class GroupCommit[Item, Result]:
    """Lets the threads and the event loop of one process share the commits of `write`.

    `write` takes several items, commits, and returns a result for each, in order. A group has
    `room` for so much, as `size_of` measures items; one that is larger by itself goes alone.
    Whoever has waited for `patience` seconds without its turn, or comes while one group has been
    writing for as long, is told that the database does not keep up. `is_undone` tells of an error
    of `write` whether it is certain that nothing was committed. `leave` is called in the writing
    thread after an error, and when it ends.
    """

    def __init__(
        self,
        write: Callable[[list[Item]], list[Result]],
        *,
        size_of: Callable[[Item], int],
        is_undone: Callable[[BaseException], bool],
        leave: Callable[[], None],
        room: int,
        patience: float,
    ):
        self._write, self._size_of = write, size_of
        self._is_undone, self._leave = is_undone, leave
        self._room, self._patience = room, patience
        self._changed = threading.Condition()
        self._queue: deque[_Place[Item, Result]] = deque()
        # What waits, in the measure of `room`.
        self._waiting = 0
        self._writers = 0
        # Since when each thread has been writing that is writing now.
        self._writing_since: dict[int, float] = {}

    def write(self, item: Item) -> Result:
        """Write `item`, possibly with others, and return its result after the commit.

        If a group fails, each of its members is written once more, by itself: one that cannot be
        written fails alone, with what `write` raises for it.

        :raises Busy: if it was not written, as too much waits
        """
        future = Future[Result]()
        place = self._line_up(_Place(item, self._size_of(item), future))
        with suppress(TimeoutError):
            future.exception(self._patience)
        if not future.done() and self._take_back(place):
            raise Busy
        return future.result()

    async def write_async(self, item: Item) -> Result:
        """The same, for an event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        place = self._line_up(_Place(item, self._size_of(item), future, loop))
        timer = loop.call_later(self._patience, self._give_up, place)
        try:
            return await future
        except asyncio.CancelledError:
            self._take_back(place)
            raise
        finally:
            timer.cancel()

    def _line_up(self, place: _Place[Item, Result]) -> _Place[Item, Result]:
        with self._changed:
            long_ago = time.monotonic() - self._patience
            if any(since < long_ago for since in self._writing_since.values()):
                raise Busy
            self._queue.append(place)
            self._waiting += place.size
            has_to_wait = self._waiting > self._room and self._writers < _MOST_WRITERS
            if not self._writers or has_to_wait:
                self._start_writer()
            self._changed.notify()
        return place

    def _start_writer(self) -> None:
        # A daemon: who ends the process does not wait for an answer any more.
        writer = threading.Thread(target=self._work, name="group commit", daemon=True)
        try:
            writer.start()
            self._writers += 1
        except RuntimeError as error:  # there are too many threads
            if not self._writers:
                self._waiting -= self._queue.pop().size
                raise Busy from error

    def _take_back(self, place: _Place[Item, Result]) -> bool:
        """Whether `place` could be taken out of the queue, as its turn had not come."""
        with self._changed:
            if place not in self._queue:
                return False
            self._queue.remove(place)
            self._waiting -= place.size
            return True

    def _give_up(self, place: _Place[Item, Result]) -> None:
        if self._take_back(place) and not place.future.done():
            place.future.set_exception(Busy())

    def _work(self) -> None:
        while group := self._take_group():
            self._write_group(group)
        self._leave_quietly()

    def _leave_quietly(self) -> None:
        try:
            self._leave()
        except Exception:  # whoever waits for an answer has to get one, whatever happens here
            _log.exception("A thread that writes could not give back what it holds.")

    def _take_group(self) -> list[_Place[Item, Result]]:
        """Who waits longest, as many as there is room for; nobody if nobody comes any more."""
        with self._changed:
            self._writing_since.pop(threading.get_ident(), None)
            if not self._changed.wait_for(lambda: self._queue, _LINGER_SECONDS):
                self._writers -= 1
                return []
            group = [self._queue.popleft()]
            room = self._room - group[0].size
            while self._queue and self._queue[0].size <= room:
                group.append(self._queue.popleft())
                room -= group[-1].size
            self._waiting -= sum(place.size for place in group)
        return group

    def _write_group(self, group: list[_Place[Item, Result]]) -> None:
        with self._changed:
            self._writing_since[threading.get_ident()] = time.monotonic()
        try:
            results = self._write([place.item for place in group])
        except BaseException as error:
            is_undone = self._is_undone(error)
            self._leave_quietly()
            # Nobody knows who is to blame, unless there is nobody else.
            if len(group) > 1 and is_undone:
                for place in group:
                    self._write_group([place])
            else:
                _settle(group, [None] * len(group), error)
        else:
            _settle(group, results)


def _settle(
    group: list[_Place], results: Sequence[object], error: BaseException | None = None
) -> None:
    """Tell everybody in `group`, each event loop once."""
    by_loop = defaultdict(list)
    for place, result in zip(group, results, strict=True):
        by_loop[place.loop].append((place.future, result))
    for loop, futures in by_loop.items():
        if loop is None:
            _tell(futures, error)
        else:
            # It may have been closed meanwhile, with those who waited.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_tell, futures, error)


def _tell(futures: list[tuple], error: BaseException | None) -> None:
    for future, result in futures:
        if future.cancelled():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
