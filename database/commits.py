"""Shared commits: what arrives while one commit is under way shares the next one.

A commit waits for the disk, and so do all who queue behind it. So a task of the event loop writes:
the first to come at once, alone; then all that have come meanwhile, together. Nobody waits for
company. If more waits than a group has room for, a second task helps.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from database.loop import PATIENCE, Busy
from database.transactions import is_undone

# While PostgreSQL works on what one task has sent, the other puts together the next.
_MOST_WRITERS = 2


@dataclass(eq=False, slots=True)
class _Place[Item, Result]:
    """A place in the queue, and what will become of it."""

    item: Item
    size: int
    future: "asyncio.Future[Result]"


class SharedCommit[Item, Result]:
    """Lets the tasks of one event loop share the commits of `write`.

    `write` takes several items, commits, and returns a result for each, in order, or the exception
    for which that one was not written. A group has `room` for so much, as `size_of` measures items;
    one that is larger by itself goes alone. An item that has waited for `patience` seconds without
    its turn, or that comes while a group has been under way for as long, is refused: the database
    does not keep up.
    """

    def __init__(
        self,
        write: Callable[[list[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        size_of: Callable[[Item], int],
        room: int,
        patience: float = PATIENCE,
    ):
        self._write, self._size_of = write, size_of
        self._room, self._patience = room, patience
        self._queue: deque[_Place[Item, Result]] = deque()
        # What waits, in the measure of `room`.
        self._waiting = 0
        # The tasks that write, and since when each has been writing its group.
        self._writers: dict[asyncio.Task, float] = {}

    async def write(self, item: Item) -> Result:
        """Write `item`, possibly with others, and return its result after the commit.

        If a group fails, each of its members is written once more, by itself: one that cannot be
        written fails alone, with what `write` raises for it.

        :raises Busy: if it was not written, as too much waits
        """
        loop = asyncio.get_running_loop()
        if self.is_stuck:
            raise Busy
        place = _Place(item, self._size_of(item), loop.create_future())
        self._queue.append(place)
        self._waiting += place.size
        if not self._writers or (self._waiting > self._room and len(self._writers) < _MOST_WRITERS):
            writer = loop.create_task(self._work())
            self._writers[writer] = loop.time()
        timer = loop.call_later(self._patience, self._give_up, place)
        try:
            return await place.future
        except asyncio.CancelledError:
            self._take_back(place)
            raise
        finally:
            timer.cancel()

    @property
    def is_stuck(self) -> bool:
        """Whether a group has been under way for so long that nothing more is taken."""
        long_ago = asyncio.get_running_loop().time() - self._patience
        return any(since < long_ago for since in self._writers.values())

    @property
    def waiting(self) -> int:
        """How much waits for its turn, in the measure of the room of a group."""
        return self._waiting

    async def drain(self) -> None:
        """Return when everything that waits now is written."""
        await asyncio.gather(*self._writers, return_exceptions=True)

    def _take_back(self, place: _Place[Item, Result]) -> bool:
        """Whether `place` could be taken out of the queue, as its turn had not come."""
        if place not in self._queue:
            return False
        self._queue.remove(place)
        self._waiting -= place.size
        return True

    def _give_up(self, place: _Place[Item, Result]) -> None:
        if self._take_back(place) and not place.future.done():
            place.future.set_exception(Busy())

    async def _work(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            while self._queue:
                await self._write_group(self._take_group())
        finally:
            # At once: the next item has to start another task.
            del self._writers[task]

    def _take_group(self) -> list[_Place[Item, Result]]:
        """The places that wait longest, as many as there is room for."""
        group = [self._queue.popleft()]
        room = self._room - group[0].size
        while self._queue and self._queue[0].size <= room:
            group.append(self._queue.popleft())
            room -= group[-1].size
        self._waiting -= sum(place.size for place in group)
        return group

    def _note_progress(self) -> None:
        """Note that this task begins to write a group now."""
        task = asyncio.current_task()
        assert task is not None
        self._writers[task] = asyncio.get_running_loop().time()

    async def _write_group(self, group: list[_Place[Item, Result]]) -> None:
        self._note_progress()
        results: Sequence[Result | Exception]
        try:
            results = await self._write([place.item for place in group])
        except Exception as error:
            # Any kind: the callers of all members wait, so each is told, or its item tried alone.
            results = [error] * len(group)
        except BaseException as error:  # this task ends: nobody is to wait for it
            for place in group:
                _settle(place.future, error)
            raise
        try:
            for place, result in zip(group, results, strict=True):
                # Nobody knows which one is to blame, unless there is only one.
                if isinstance(result, Exception) and len(group) > 1 and is_undone(result):
                    await self._write_group([place])
                else:
                    _settle(place.future, result)
        except BaseException as error:  # the same
            for place in group:
                _settle(place.future, error)
            raise


def _settle[Result](future: "asyncio.Future[Result]", result: Result | BaseException) -> None:
    if future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
