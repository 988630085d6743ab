"""Running the same thing in several threads at once, each with its own database connection."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection, connections, transaction


def run_at_once(*calls):
    """Call each of `calls` in a thread of its own, all released together; return their results.

    The first exception is raised again.
    """
    barrier = threading.Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(timeout=30)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as executor:
        return [future.result(timeout=60) for future in [executor.submit(run, c) for c in calls]]


def run_in_loop(coroutine):
    """What the coroutine returns, run in the event loop of a thread of its own.

    In the main thread, Playwright leaves its loop open after the tests of browsers.
    """
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, coroutine).result(timeout=60)


def wait_until_somebody_waits():
    """Return as soon as another connection waits for a lock, such as one of this transaction."""
    wait_until_so_many_wait(1)


def wait_until_so_many_wait(number):
    """Return as soon as so many other connections wait for locks."""
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] >= number:
                return
            # Within a transaction, what was read of other connections is kept.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            time.sleep(0.01)
    raise AssertionError(f"Fewer than {number} wait.")


@contextmanager
def held(table):
    """Nobody can write to `table` until what this yields is set."""
    release, is_held = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table}")
            is_held.set()
            release.wait(60)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert is_held.wait(20)
        yield release
    finally:
        release.set()
        thread.join(30)
