"""Group commit: what arrives while one commit is under way shares the next one.

A commit waits for the disk, and so do all who queue behind it. So a thread of its own writes:
whoever comes first at once, alone; then all who have come meanwhile, together. Nobody waits for
company.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# The writing thread ends, and gives its connection back, when for so long nobody has come.
_LINGER_SECONDS = 0.1


class Busy(Exception):
    """Too much is waiting to be written: try again later."""


class _Place(NamedTuple, Generic[Item, Result]):
    """A place in the queue, and what will become of it."""

    item: Item
    size: int
    future: Future[Result]


class GroupCommit(Generic[Item, Result]):
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
        self._has_writer = False
        self._writing_since = float("inf")

    def write(self, item: Item) -> Result:
        """Write `item`, possibly with others, and return its result after the commit.

        If a group fails, each of its members is written once more, by itself: one that cannot be
        written fails alone, with what `write` raises for it.

        :raises Busy: if it was not written, as too much waits
        """
        future = self._line_up(item)
        with suppress(TimeoutError):
            future.exception(self._patience)
        # It can be taken back as long as its turn has not come.
        if future.cancel():
            raise Busy
        return future.result()

    async def write_async(self, item: Item) -> Result:
        """The same, for an event loop."""
        future = self._line_up(item)
        timer = asyncio.get_running_loop().call_later(self._patience, future.cancel)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if future.cancelled():
                raise Busy from None
            raise
        finally:
            timer.cancel()

    def _line_up(self, item: Item) -> Future[Result]:
        place = _Place[Item, Result](item, self._size_of(item), Future())
        with self._changed:
            if time.monotonic() - self._writing_since > self._patience:
                raise Busy
            self._queue.append(place)
            if self._has_writer:
                self._changed.notify()
            else:
                # A daemon: who ends the process does not wait for an answer any more.
                threading.Thread(target=self._work, name="group commit", daemon=True).start()
                self._has_writer = True
        return place.future

    def _work(self) -> None:
        while group := self._take_group():
            self._write_group(group)
        self._leave()

    def _take_group(self) -> list[_Place[Item, Result]]:
        """Who waits longest, as many as there is room for; nobody if nobody comes any more."""
        group: list[_Place[Item, Result]] = []
        with self._changed:
            self._writing_since = float("inf")
            while not group:
                if not self._changed.wait_for(lambda: self._queue, _LINGER_SECONDS):
                    self._has_writer = False
                    return []
                room = self._room
                while self._queue and (not group or self._queue[0].size <= room):
                    place = self._queue.popleft()
                    if place.future.set_running_or_notify_cancel():
                        room -= place.size
                        group.append(place)
            self._writing_since = time.monotonic()
        return group

    def _write_group(self, group: list[_Place[Item, Result]]) -> None:
        try:
            results = self._write([place.item for place in group])
            for place, result in zip(group, results, strict=True):
                place.future.set_result(result)
        except BaseException as error:
            is_undone = self._is_undone(error)
            self._leave()
            # Nobody knows who is to blame, unless there is nobody else.
            if len(group) > 1 and is_undone:
                for place in group:
                    self._write_group([place])
            else:
                for place in group:
                    place.future.set_exception(error)
