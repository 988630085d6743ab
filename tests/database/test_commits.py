"""Shared commits: who comes meanwhile shares the next one; who cannot be written fails alone."""

import asyncio

import psycopg
import pytest

from database.commits import SharedCommit
from database.loop import Busy
from tests.loops import in_loop, until


class Disk:
    """Writes numbers in groups. `gate` holds up whatever is being written."""

    def __init__(self, *, room=100, patience=5.0, error=None, seconds=0.0):
        self.error, self.seconds = error or ValueError("13"), seconds
        self.groups, self.gate, self.now, self.most = [], asyncio.Event(), 0, 0
        self.commits = SharedCommit(
            self._write, size_of=lambda number: number, room=room, patience=patience
        )

    async def _write(self, numbers):
        self.groups.append(list(numbers))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.gate.wait()
            await asyncio.sleep(self.seconds)
        finally:
            self.now -= 1
        if 13 in numbers:
            raise self.error
        return [number * 2 for number in numbers]

    async def line_up(self, *numbers):
        """One that is being written, and the others behind it in this order."""
        tasks = [asyncio.create_task(self.commits.write(numbers[0]))]
        await until(lambda: self.groups)
        tasks += [asyncio.create_task(self.commits.write(number)) for number in numbers[1:]]
        await asyncio.sleep(0)
        return tasks


@in_loop
async def test_who_is_alone_is_written_at_once():
    disk = Disk()
    disk.gate.set()

    assert await disk.commits.write(4) == 8
    assert disk.groups == [[4]]


@in_loop
async def test_who_comes_meanwhile_shares_the_next_commit():
    disk = Disk()
    tasks = await disk.line_up(1, 2, 3, 4)
    assert disk.commits.waiting == 9

    disk.gate.set()

    assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
    assert disk.groups == [[1], [2, 3, 4]]
    assert disk.commits.waiting == 0


@in_loop
async def test_nobody_is_answered_before_the_commit():
    disk = Disk()
    tasks = await disk.line_up(1, 2)
    await asyncio.sleep(0.05)

    assert [task.done() for task in tasks] == [False, False]

    disk.gate.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize(
    ("numbers", "groups"),
    [
        ((60, 40), [[60, 40]]),
        ((60, 40, 50, 500, 30), [[60, 40], [50], [500], [30]]),
    ],
)
@in_loop
async def test_group_takes_no_more_than_it_has_room_for(numbers, groups):
    disk = Disk(room=100)
    tasks = await disk.line_up(1, *numbers)

    disk.gate.set()
    await asyncio.gather(*tasks)

    assert disk.groups == [[1], *groups]


@in_loop
async def test_second_task_helps_if_more_waits_than_a_group_has_room_for():
    disk = Disk(room=100)
    tasks = await disk.line_up(1, 60)
    await asyncio.sleep(0.05)
    assert disk.now == 1

    tasks += [asyncio.create_task(disk.commits.write(number)) for number in (41, 70, 71)]
    await until(lambda: disk.now == 2)

    assert disk.commits.waiting > 100
    disk.gate.set()
    assert await asyncio.gather(*tasks) == [2, 120, 82, 140, 142]
    assert disk.most == 2


@in_loop
async def test_second_task_writes_while_the_first_one_cannot():
    disk = Disk(room=100)
    (stuck,) = await disk.line_up(1)
    disk.gate, stuck_at = asyncio.Event(), disk.gate
    disk.gate.set()

    assert await asyncio.gather(*map(disk.commits.write, (60, 50))) == [120, 100]

    assert not stuck.done()
    stuck_at.set()
    assert await stuck == 2


@in_loop
async def test_who_cannot_be_written_fails_alone():
    disk = Disk()
    tasks = await disk.line_up(1, 2, 13, 4)

    disk.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert results == [2, 4, disk.error, 8]
    assert disk.groups == [[1], [2, 13, 4], [2], [13], [4]]


@in_loop
async def test_who_was_alone_and_failed_is_not_written_again():
    disk = Disk()
    disk.gate.set()

    with pytest.raises(ValueError, match="13"):
        await disk.commits.write(13)

    assert disk.groups == [[13]]
    assert await disk.commits.write(1) == 2


@in_loop
async def test_nothing_is_repeated_that_may_have_been_committed():
    disk = Disk(error=psycopg.OperationalError("the connection is lost"))
    tasks = await disk.line_up(1, 2, 13)

    disk.gate.set()

    assert await asyncio.gather(*tasks, return_exceptions=True) == [2, disk.error, disk.error]
    assert disk.groups == [[1], [2, 13]]


@in_loop
async def test_who_waits_too_long_is_told_so_and_not_written():
    disk = Disk(patience=0.2)
    first, second = await disk.line_up(1, 2)

    with pytest.raises(Busy):
        await second

    assert disk.commits.waiting == 0
    disk.gate.set()
    assert await first == 2
    assert disk.groups == [[1]]


@in_loop
async def test_who_comes_when_nothing_moves_is_told_at_once():
    disk = Disk(patience=0.2)
    (first,) = await disk.line_up(1)
    await asyncio.sleep(0.25)
    waiting = asyncio.create_task(disk.commits.write(2))
    await asyncio.sleep(0.01)

    assert isinstance(waiting.exception(), Busy)

    disk.gate.set()
    await first
    assert await disk.commits.write(3) == 6


@in_loop
async def test_who_is_being_written_waits_as_long_as_it_takes():
    disk = Disk(patience=0.1)
    (writing,) = await disk.line_up(1)
    await asyncio.sleep(0.3)

    assert not writing.done()

    disk.gate.set()
    assert await writing == 2


@in_loop
async def test_writing_one_by_one_is_progress():
    disk = Disk(patience=1.0, seconds=0.2)
    tasks = await disk.line_up(1, 2, 13, 4, 5, 6, 7, 8)
    disk.gate.set()
    await until(lambda: len(disk.groups) == 7)

    assert await disk.commits.write(9) == 18
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results == [2, 4, disk.error, 8, 10, 12, 14, 16]


@in_loop
async def test_who_is_answered_may_write_again_at_once():
    disk = Disk(patience=0.5)
    disk.gate.set()

    assert [await disk.commits.write(number) for number in (1, 2, 3)] == [2, 4, 6]
    assert disk.groups == [[1], [2], [3]]


@in_loop
async def test_item_that_cannot_be_measured_leaves_nobody_waiting():
    disk = Disk(patience=0.5)
    disk.gate.set()

    with pytest.raises(TypeError):
        await asyncio.gather(disk.commits.write("x"), disk.commits.write(1))

    assert await disk.commits.write(2) == 4


@in_loop
async def test_writer_that_is_cancelled_leaves_nobody_waiting():
    disk = Disk(error=asyncio.CancelledError(), patience=0.5)
    tasks = await disk.line_up(13, 2)

    disk.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(results[0], asyncio.CancelledError)
    assert await disk.commits.write(3) == 6
    assert disk.commits.waiting == 0


@in_loop
async def test_task_that_is_cancelled_while_it_waits_is_not_written():
    disk = Disk()
    first, second = await disk.line_up(1, 2)

    second.cancel()
    await asyncio.wait([second])

    assert second.cancelled()
    assert disk.commits.waiting == 0
    disk.gate.set()
    await first
    assert await disk.commits.write(3) == 6
    assert disk.groups == [[1], [3]]


@in_loop
async def test_task_that_is_cancelled_while_it_is_written_costs_the_others_nothing():
    disk = Disk()
    first, second, third = await disk.line_up(1, 2, 3)

    first.cancel()
    await asyncio.wait([first])
    disk.gate.set()

    assert await asyncio.gather(second, third) == [4, 6]
    assert disk.groups == [[1], [2, 3]]


@in_loop
async def test_everything_that_waits_is_written_before_the_end():
    disk = Disk()
    tasks = await disk.line_up(1, 2, 3)

    draining = asyncio.create_task(disk.commits.drain())
    await asyncio.sleep(0.01)
    assert not draining.done()

    disk.gate.set()
    await draining
    assert disk.groups == [[1], [2, 3]]
    assert await asyncio.gather(*tasks) == [2, 4, 6]


@in_loop
async def test_everybody_gets_their_own_result_however_many_come_at_once():
    disk = Disk()
    disk.gate.set()

    async def write_many(start):
        return [await disk.commits.write(number) for number in range(start, start + 700, 70)]

    numbers = [number for number in range(20, 40) if number != 13]
    results = await asyncio.gather(*map(write_many, numbers))

    assert results == [[n * 2 for n in range(number, number + 700, 70)] for number in numbers]
    assert sum(map(len, disk.groups)) == len(numbers) * 10
