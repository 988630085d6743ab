"""A database that a process keeps for one of its threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections

from database import reserved
from database.loop import ask_soon, open_database
from database.outages import is_away
from database.questions import Question
from tests.threads import run_in_loop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def keep():
    """Keep the database for a thread, for this reason."""
    yield lambda thread: reserved.reserve(thread, "not before the other one")
    reserved.open_to_all()


def count():
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone()[0]
    finally:
        connections.close_all()


def in_another_thread(function):
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()


async def ask_in_loop():
    with ThreadPoolExecutor(1) as executor:
        async with open_database(executor):
            return await ask_soon(Question("SELECT 1", (), lambda rows: rows[0][0]))


def test_the_database_is_away_for_all_other_threads_until_it_is_opened(keep):
    keep(threading.current_thread())

    assert count() == 1
    with pytest.raises(OperationalError, match="not before the other one") as caught:
        in_another_thread(count)
    assert is_away(caught.value)

    reserved.open_to_all()
    assert in_another_thread(count) == 1


def test_the_database_is_away_for_the_event_loop_until_it_is_opened(keep):
    keep(threading.current_thread())

    with pytest.raises(OperationalError, match="not before the other one"):
        run_in_loop(ask_in_loop())

    reserved.open_to_all()
    assert run_in_loop(ask_in_loop()) == [1]
