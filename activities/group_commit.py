"""Group commit: what arrives while one commit is under way shares the next one.

A commit waits for the disk, and so do all who queue behind it. So whoever comes first leads: it
writes at once, alone. Who comes meanwhile waits, and one of them then leads the whole group. No
thread is needed for it, and nobody waits for company.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Busy(Exception):
    """Too much is waiting to be written: try again later."""


class _State(Enum):
    WAITING = "waiting"
    LEADS = "leads"
    TAKEN = "taken"
    WRITTEN = "written"
    TO_BE_REPEATED = "to be repeated"
    FAILED = "failed"


class _Place(Generic[Item, Result]):
    """A place in the queue, and what became of it."""

    __slots__ = ("error", "item", "result", "size", "state", "woken")

    def __init__(self, item: Item, size: int):
        self.item, self.size = item, size
        self.state = _State.WAITING
        self.result: Result
        self.error: BaseException
        # A lock that is released once is the cheapest signal that there is.
        self.woken = threading.Lock()
        self.woken.acquire()

    def wake(self, state: _State) -> None:
        self.state = state
        self.woken.release()


class GroupCommit(Generic[Item, Result]):
    """Lets threads of one process share the commits of `write`.

    `write` takes several items, commits, and returns a result for each, in order. A group has
    `room` for so much, as `size_of` measures items; one that is larger by itself goes alone.
    Whoever has waited for `patience` seconds without its turn, or comes while one group has been
    writing for as long, is told that the database does not keep up. `is_undone` tells of an error
    of `write` whether it is certain that nothing was committed.
    """

    def __init__(
        self,
        write: Callable[[list[Item]], list[Result]],
        *,
        size_of: Callable[[Item], int],
        is_undone: Callable[[BaseException], bool],
        room: int,
        patience: float,
    ):
        self._write, self._size_of, self._is_undone = write, size_of, is_undone
        self._room, self._patience = room, patience
        self._lock = threading.Lock()
        self._queue: deque[_Place[Item, Result]] = deque()
        self._is_led = False
        self._writing_since = float("inf")

    def write(self, item: Item) -> Result:
        """Write `item`, possibly with others, and return its result after the commit.

        If a group fails, each of its members is written once more, by itself: one that cannot be
        written fails alone, with what `write` raises for it.

        :raises Busy: if it was not written, as too much waits
        """
        place = _Place[Item, Result](item, self._size_of(item))
        self._line_up(place)
        if place.state is _State.LEADS:
            self._lead()
        if place.state is _State.FAILED:
            raise place.error
        if place.state is _State.TO_BE_REPEATED:
            return self._write([item])[0]
        return place.result

    def _line_up(self, place: _Place[Item, Result]) -> None:
        """Return once `place` leads, or its group is over."""
        with self._lock:
            if time.monotonic() - self._writing_since > self._patience:
                raise Busy
            self._queue.append(place)
            if not self._is_led:
                self._is_led = True
                place.state = _State.LEADS
                return
        if place.woken.acquire(timeout=self._patience):
            return
        with self._lock:
            if place.state is _State.WAITING:
                self._queue.remove(place)
                raise Busy
        # Its turn came in the last moment: now it will be written, or not, and has to tell which.
        place.woken.acquire()

    def _lead(self) -> None:
        """Write the group at the head of the queue, of which the caller is the first."""
        group = self._take_group()
        state = _State.WRITTEN
        try:
            results = self._write([place.item for place in group])
            for place, result in zip(group, results, strict=True):
                place.result = result
        except BaseException as error:
            # Nobody knows who is to blame, unless there is nobody else.
            is_to_repeat = len(group) > 1 and self._is_undone(error)
            state = _State.TO_BE_REPEATED if is_to_repeat else _State.FAILED
            for place in group:
                place.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self._pass_on()
            leader, *others = group
            leader.state = state
            for place in others:
                place.wake(state)

    def _take_group(self) -> list[_Place[Item, Result]]:
        with self._lock:
            group = [self._queue.popleft()]
            room = self._room - group[0].size
            while self._queue and self._queue[0].size <= room:
                place = self._queue.popleft()
                place.state = _State.TAKEN
                room -= place.size
                group.append(place)
            self._writing_since = time.monotonic()
            return group

    def _pass_on(self) -> None:
        """Let whoever waits longest lead the next group."""
        with self._lock:
            self._writing_since = float("inf")
            self._is_led = bool(self._queue)
            if self._queue:
                self._queue[0].wake(_State.LEADS)
