"""The connections of an event loop: questions in one round trip, a server that is busy or gone."""

import asyncio
import threading

import pytest
from django.db import DataError, OperationalError, connection, connections

from database import loop
from database.loop import (
    Busy,
    ask_soon,
    database_of_loop,
    database_of_process,
    finish,
    in_thread,
)
from database.questions import Question
from tests.loops import in_loop, open_hub, until

pytestmark = pytest.mark.django_db(transaction=True)


def number(sql, *params):
    """Asks for one number."""
    return Question(sql, params, lambda rows: rows[0][0])


PID = number("SELECT pg_backend_pid()")


@pytest.fixture
def trips(monkeypatch):
    """How many questions went in each round trip."""
    trips, fetch = [], loop.fetch

    async def noted(connection, questions, **named):
        trips.append(len(questions))
        return await fetch(connection, questions, **named)

    monkeypatch.setattr(loop, "fetch", noted)
    return trips


def end(pid):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@in_loop
async def test_questions_at_once_go_in_one_round_trip(trips):
    async with open_hub():
        answers = await asyncio.gather(
            *(ask_soon(number("SELECT %s::int", n), number("SELECT -%s::int", n)) for n in range(9))
        )

    assert answers == [[n, -n] for n in range(9)]
    assert trips == [18]


@in_loop
async def test_round_trip_has_so_many_questions_at_most(trips):
    async with open_hub():
        answers = await asyncio.gather(*(ask_soon(number("SELECT %s::int", n)) for n in range(130)))

    assert answers == [[n] for n in range(130)]
    assert sorted(trips) == [2, 64, 64]


@in_loop
async def test_what_is_asked_meanwhile_goes_together():
    async with open_hub():
        slow = [asyncio.create_task(ask_soon(number("SELECT 1 FROM pg_sleep(0.3)")))]
        await asyncio.sleep(0.05)
        slow.append(asyncio.create_task(ask_soon(number("SELECT 2 FROM pg_sleep(0.3)"))))
        await asyncio.sleep(0.05)
        pids = await asyncio.gather(*(ask_soon(PID) for _ in range(5)))

        assert await asyncio.gather(*slow) == [[1], [2]]
    assert len({pid for (pid,) in pids}) == 1


@in_loop
async def test_question_without_an_answer_costs_the_others_none():
    async with open_hub():
        answers = await asyncio.gather(
            ask_soon(number("SELECT 1")),
            ask_soon(number("SELECT 1 / 0")),
            ask_soon(number("SELECT 3")),
            return_exceptions=True,
        )

        assert await ask_soon(number("SELECT 4")) == [4]

    assert answers[::2] == [[1], [3]]
    assert isinstance(answers[1], DataError)


@in_loop
async def test_who_is_answered_may_ask_again_at_once(monkeypatch):
    monkeypatch.setattr(loop, "PATIENCE", 0.5)
    under_way, both, fetch = [], asyncio.Event(), loop.fetch

    async def fetch_both_at_once(connection, questions, **named):
        answers = await fetch(connection, questions, **named)
        under_way.append(1)
        await both.wait()
        return answers

    monkeypatch.setattr(loop, "fetch", fetch_both_at_once)

    async def ask(times):
        return [await ask_soon(number("SELECT %s::int", n)) for n in range(times)]

    async with open_hub():
        first = asyncio.create_task(ask(2))
        await until(lambda: len(under_way) == 1)
        second = asyncio.create_task(ask(1))
        await until(lambda: len(under_way) == 2)
        both.set()

        assert await asyncio.gather(first, second) == [[[0], [1]], [[0]]]


@in_loop
async def test_connection_that_was_ended_is_replaced():
    async with open_hub():
        (pid,) = await ask_soon(PID)
        await in_thread(end, pid)

        (other,) = await ask_soon(PID)

    assert other != pid


@in_loop
async def test_connection_is_used_again_unless_its_transaction_is_open():
    async with open_hub() as (database, _):
        pids = []
        for command in ("SELECT 1", "BEGIN", "SELECT 1"):
            async with database.connection() as one:
                pids.append(one.info.backend_pid)
                await one.execute(command)

    assert pids[0] == pids[1] != pids[2]


@in_loop
async def test_time_is_told_in_utc():
    async with open_hub():
        assert await ask_soon(number("SELECT current_setting('TimeZone')")) == ["UTC"]


@in_loop
async def test_every_connection_is_closed_at_the_end():
    async with open_hub() as (database, _):
        async with database.connection() as one, database.connection() as other:
            await ask_soon(PID)
            assert not one.closed
        assert not one.closed

    assert one.closed
    assert other.closed


@in_loop
async def test_connection_that_is_in_use_at_the_end_is_closed_afterwards():
    done = asyncio.Event()

    async def use(database):
        async with database.connection() as one:
            await done.wait()
            assert not one.closed
        return one

    async with open_hub() as (database, _):
        using = asyncio.create_task(use(database))
        await ask_soon(PID)
        await asyncio.sleep(0.1)
    done.set()

    assert (await using).closed


@in_loop
async def test_server_that_does_not_answer_is_busy_within_the_patience(monkeypatch):
    monkeypatch.setattr(loop, "PATIENCE", 0.2)
    async with open_hub():
        with pytest.raises(Busy):
            async with asyncio.timeout(0.9):
                await ask_soon(number("SELECT 1 FROM pg_sleep(1)"))


@in_loop
async def test_who_asks_when_nothing_moves_is_told_at_once(monkeypatch):
    monkeypatch.setattr(loop, "PATIENCE", 0.3)
    async with open_hub():
        asked = []
        for _ in range(2):
            asked.append(asyncio.create_task(ask_soon(number("SELECT 1 FROM pg_sleep(1)"))))
            await asyncio.sleep(0.05)
        await asyncio.wait(asked)
        await asyncio.sleep(0.1)
        at_once = asyncio.create_task(ask_soon(PID))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert at_once.done()
        assert isinstance(at_once.exception(), Busy)
    assert [type(task.exception()) for task in asked] == [Busy, Busy]


@in_loop
async def test_busy_server_answers_again():
    async with open_hub():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "PATIENCE", 0.1)
            asked = [ask_soon(number("SELECT 1 FROM pg_sleep(0.4)")) for _ in range(2)]
            await asyncio.gather(*asked, return_exceptions=True)

        assert await ask_soon(number("SELECT 1")) == [1]


@in_loop
async def test_thread_gives_back_its_connection():
    def ask_there(sql):
        wrapper = connections["default"]
        with wrapper.cursor() as cursor:
            cursor.execute(sql)
        assert wrapper.connection is not None
        return wrapper

    async with open_hub():
        wrapper = await in_thread(ask_there, "SELECT 1")
        assert wrapper.connection is None

        with pytest.raises(DataError):
            await in_thread(ask_there, "SELECT 1 / 0")


@in_loop
async def test_threads_know_the_event_loop_and_are_none_of_it():
    def look():
        return database_of_loop(), database_of_process(), threading.current_thread()

    async with open_hub() as (database, _):
        assert (database_of_loop(), database_of_process()) == (database, database)
        of_loop, of_process, thread = await in_thread(look)
        assert (of_loop, of_process) == (None, database)
        assert thread is not threading.current_thread()

    assert (database_of_loop(), database_of_process()) == (None, None)


def test_without_an_event_loop_nothing_waits():
    async def look():
        (pid,) = await ask_soon(PID)
        return pid, await in_thread(threading.current_thread)

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()

    assert finish(look()) == (pid, threading.current_thread())


def test_what_waits_cannot_be_finished_without_an_event_loop():
    with pytest.raises(RuntimeError, match="only an event loop has"):
        finish(asyncio.sleep(0))


@in_loop
async def test_server_that_is_not_there_is_waited_for_and_told(monkeypatch):
    monkeypatch.setattr(loop, "PATIENCE", 0.2)
    tried = []

    async def fail(**parameters):
        tried.append(1)
        raise loop.psycopg.OperationalError("no server")

    monkeypatch.setattr(loop.psycopg.AsyncConnection, "connect", fail)
    async with open_hub() as (database, _):
        with pytest.raises(OperationalError, match="no server"):
            async with database.connection():
                pass

    assert len(tried) > 2


@in_loop
async def test_server_that_comes_back_is_used(monkeypatch):
    tried, connect = [], loop.psycopg.AsyncConnection.connect

    async def fail_first(**parameters):
        tried.append(1)
        if len(tried) < 3:
            raise loop.psycopg.OperationalError("no server")
        return await connect(**parameters)

    monkeypatch.setattr(loop.psycopg.AsyncConnection, "connect", fail_first)
    async with open_hub():
        assert await ask_soon(number("SELECT 1")) == [1]

    assert len(tried) == 3
