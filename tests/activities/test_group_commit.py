"""Group commit: who comes meanwhile shares the next commit; who cannot be written fails alone."""

import asyncio
import threading
import time
from concurrent.futures import Future

import pytest

from activities import group_commit
from activities.group_commit import Busy, GroupCommit
from tests.config.hub import wait_until
from tests.threads import run_at_once, run_in_loop


class Disk:
    """Writes numbers in groups. `gate` holds up whatever is being written."""

    def __init__(self, *, room=100, patience=5.0, is_undone=lambda error: True, seconds=0.0):
        self.seconds = seconds
        self.groups, self.gate, self.entered = [], threading.Event(), threading.Semaphore(0)
        self.writers, self.left = set(), []
        self.commits = GroupCommit(
            self._write,
            size_of=lambda number: number,
            is_undone=is_undone,
            leave=lambda: self.left.append(threading.current_thread()),
            room=room,
            patience=patience,
        )

    def _write(self, numbers):
        self.groups.append(list(numbers))
        self.writers.add(threading.current_thread())
        self.entered.release()
        assert self.gate.wait(10)
        time.sleep(self.seconds)
        if 13 in numbers:
            raise ValueError("13")
        return [number * 2 for number in numbers]


def start(function, *args):
    """Run it in a thread; the thread has its `result`, or the `error` that it ended with."""

    def run():
        try:
            thread.result = function(*args)
        except BaseException as error:
            thread.error = error

    thread = threading.Thread(target=run, daemon=True)
    thread.result = thread.error = None
    thread.start()
    return thread


def start_and_line_up(disk, *numbers):
    """One that is being written, and the others behind it in this order."""
    first, *others = numbers
    threads = [start(disk.commits.write, first)]
    assert disk.entered.acquire(timeout=10)
    for place, number in enumerate(others, start=1):
        threads.append(start(disk.commits.write, number))
        while len(disk.commits._queue) < place:
            time.sleep(0.001)
    return threads


def finish(threads):
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return [thread.result for thread in threads]


def test_who_is_alone_is_written_at_once():
    disk = Disk()
    disk.gate.set()

    assert disk.commits.write(4) == 8
    assert disk.groups == [[4]]


def test_who_comes_meanwhile_shares_the_next_commit():
    disk = Disk()
    threads = start_and_line_up(disk, 1, 2, 3, 4)

    disk.gate.set()

    assert finish(threads) == [2, 4, 6, 8]
    assert disk.groups == [[1], [2, 3, 4]]


def test_nobody_is_answered_before_the_commit():
    disk = Disk()
    threads = start_and_line_up(disk, 1, 2)

    assert [thread.is_alive() for thread in threads] == [True, True]

    disk.gate.set()
    finish(threads)


def test_group_takes_no_more_than_it_has_room_for():
    disk = Disk(room=100)
    threads = start_and_line_up(disk, 1, 60, 40)
    disk.gate.set()
    finish(threads)
    assert disk.groups == [[1], [60, 40]]

    groups = []
    with disk.commits._changed:
        for size in (60, 40, 50, 500, 30):
            disk.commits._queue.append(group_commit._Place(size, size, Future()))
        while disk.commits._queue:
            groups.append([place.item for place in disk.commits._take_group()])

    assert groups == [[60, 40], [50], [500], [30]]


def test_second_thread_helps_if_more_waits_than_a_group_has_room_for():
    disk = Disk(room=100)
    threads = start_and_line_up(disk, 1, 60)
    assert len(disk.writers) == 1

    threads += [start(disk.commits.write, number) for number in (41, 70, 71)]
    assert disk.entered.acquire(timeout=10)
    wait_until(lambda: disk.commits._waiting > 100)

    assert len(disk.writers) == 2
    disk.gate.set()
    assert sorted(finish(threads)) == [2, 82, 120, 140, 142]
    assert len(disk.writers) == 2


def test_second_thread_writes_while_the_first_one_cannot():
    disk = Disk(room=100)
    (stuck,) = start_and_line_up(disk, 1)
    disk.gate, stuck_at = threading.Event(), disk.gate
    disk.gate.set()

    others = [start(disk.commits.write, number) for number in (60, 50)]

    assert sorted(finish(others)) == [100, 120]
    stuck_at.set()
    assert finish([stuck]) == [2]


def test_who_cannot_be_written_fails_alone():
    disk = Disk()
    threads = start_and_line_up(disk, 1, 2, 13, 4)

    disk.gate.set()

    assert finish(threads) == [2, 4, None, 8]
    assert str(threads[2].error) == "13"
    assert disk.groups[1] == [2, 13, 4]
    assert sorted(disk.groups[2:]) == [[2], [4], [13]]


def test_who_was_alone_and_failed_is_not_written_again():
    disk = Disk()
    disk.gate.set()

    with pytest.raises(ValueError, match="13"):
        disk.commits.write(13)

    assert disk.groups == [[13]]
    assert disk.commits.write(1) == 2


def test_nothing_is_repeated_that_may_have_been_committed():
    disk = Disk(is_undone=lambda error: False)
    threads = start_and_line_up(disk, 1, 2, 13)

    disk.gate.set()
    finish(threads)

    assert [str(thread.error) for thread in threads] == ["None", "13", "13"]
    assert disk.groups == [[1], [2, 13]]


def test_who_waits_too_long_is_told_so_and_not_written():
    disk = Disk(patience=0.2)
    threads = start_and_line_up(disk, 1, 2)

    threads[1].join(10)
    assert isinstance(threads[1].error, Busy)

    disk.gate.set()
    finish(threads)
    assert disk.groups == [[1]]


def test_who_comes_when_nothing_moves_is_told_at_once():
    disk = Disk(patience=0.2)
    threads = start_and_line_up(disk, 1)
    time.sleep(0.25)

    with pytest.raises(Busy):
        disk.commits.write(2)

    disk.gate.set()
    finish(threads)
    assert disk.commits.write(3) == 6


def test_one_thread_writes_and_ends_when_nobody_comes_any_more():
    disk = Disk()
    finish_at = start_and_line_up(disk, 1, 2, 3)

    disk.gate.set()
    finish(finish_at)
    (writer,) = disk.writers
    writer.join(10)

    assert disk.left == [writer]
    assert disk.commits.write(4) == 8
    assert len(disk.writers) == 2


def test_what_the_thread_holds_is_given_back_after_an_error():
    disk = Disk()
    disk.gate.set()

    with pytest.raises(ValueError, match="13"):
        disk.commits.write(13)

    assert disk.left == list(disk.writers)


def test_nobody_waits_for_ever_if_nothing_can_be_given_back():
    disk = Disk()
    disk.gate.set()

    def fail():
        raise OSError("no")

    disk.commits._leave = fail

    for _ in range(2):
        with pytest.raises(ValueError, match="13"):
            disk.commits.write(13)
        assert disk.commits.write(2) == 4


def test_who_cannot_be_written_for_want_of_a_thread_is_not_written_later(monkeypatch):
    disk = Disk()
    disk.gate.set()

    def fail(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(Busy):
            disk.commits.write(1)

    assert disk.commits.write(2) == 4
    assert disk.groups == [[2]]
    assert disk.commits._waiting == 0


def test_first_thread_goes_on_if_there_cannot_be_a_second(monkeypatch):
    disk = Disk(room=10)
    threads = start_and_line_up(disk, 1, 9)

    def fail(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(group_commit.GroupCommit, "_work", fail)
    with monkeypatch.context() as patch:
        patch.setattr(group_commit.threading.Thread, "start", fail)
        place = group_commit._Place(8, 8, Future())
        disk.commits._line_up(place)

    disk.gate.set()
    finish(threads)
    assert place.future.result(10) == 16


def test_writing_one_by_one_is_progress():
    disk = Disk(patience=1.0, seconds=0.2)
    threads = start_and_line_up(disk, 1, 2, 13, 4, 5, 6, 7, 8)
    disk.gate.set()
    while len(disk.groups) < 7:
        time.sleep(0.001)

    assert disk.commits.write(9) == 18
    assert finish(threads) == [2, 4, None, 8, 10, 12, 14, 16]


def test_error_that_is_no_exception_leaves_nobody_waiting():
    disk = Disk()
    disk.gate.set()
    disk.commits._size_of = lambda item: 1

    with pytest.raises(SystemExit):
        disk.commits.write(Quitting())
    assert disk.commits.write(2) == 4


class Quitting:
    """What ends the thread that writes it."""

    def __eq__(self, other):
        raise SystemExit


def test_event_loop_shares_commits_as_well():
    disk = Disk()

    async def write_all():
        writes = [asyncio.create_task(disk.commits.write_async(number)) for number in (1, 2, 3)]
        await asyncio.sleep(0)
        disk.gate.set()
        return await asyncio.gather(*writes)

    assert run_in_loop(write_all()) == [2, 4, 6]
    assert [number for group in disk.groups for number in group] == [1, 2, 3]
    assert len(disk.groups) < 3


def test_event_loop_gets_the_error_of_what_cannot_be_written():
    disk = Disk()
    disk.gate.set()

    with pytest.raises(ValueError, match="13"):
        run_in_loop(disk.commits.write_async(13))


def test_event_loop_is_told_as_well_what_waits_too_long():
    disk = Disk(patience=0.2)
    (first,) = start_and_line_up(disk, 1)

    with pytest.raises(Busy):
        run_in_loop(disk.commits.write_async(2))

    disk.gate.set()
    finish([first])
    assert disk.groups == [[1]]


def test_event_loop_waits_for_what_is_being_written():
    disk = Disk(patience=0.1)

    async def write():
        writing = asyncio.create_task(disk.commits.write_async(1))
        await asyncio.sleep(0.3)
        assert not writing.done()
        disk.gate.set()
        return await writing

    assert run_in_loop(write()) == 2


def test_task_that_is_cancelled_while_it_waits_is_not_written():
    disk = Disk()
    (first,) = start_and_line_up(disk, 1)

    async def give_up():
        writing = asyncio.create_task(disk.commits.write_async(2))
        await asyncio.sleep(0.01)
        writing.cancel()
        await asyncio.wait([writing])

    run_in_loop(give_up())
    disk.gate.set()
    finish([first])
    assert disk.commits.write(3) == 6
    assert disk.groups == [[1], [3]]


def test_everybody_gets_their_own_result_however_many_come_at_once():
    disk = Disk()
    disk.gate.set()

    def write_many(start):
        return [disk.commits.write(number) for number in range(start, start + 700, 70)]

    numbers = [number for number in range(20, 40) if number != 13]
    results = run_at_once(*[lambda number=number: write_many(number) for number in numbers])

    assert results == [[n * 2 for n in range(number, number + 700, 70)] for number in numbers]
    assert sum(map(len, disk.groups)) == len(numbers) * 10
