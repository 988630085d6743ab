"""The halves of what an import brings in or takes back, which are done at the same time.

PostgreSQL has most of the work, on one core for each connection.
"""

from collections.abc import Callable
from enum import IntEnum
from threading import Thread

from django.db import connection

# Locks by which workers are alone with a half.
_LOCKS = 0x696D70


class Half(IntEnum):
    """One of the two."""

    FIRST = 0
    SECOND = 1


def do_both(do: Callable[[Half], object]) -> None:
    """Do both halves, each on a connection of its own; what fails in one of them is raised."""
    if connection.in_atomic_block:  # another connection would see nothing of it
        for half in Half:
            do(half)
        return
    failures: list[Exception] = []
    other = Thread(target=_do_beside, args=(do, failures))
    other.start()
    try:
        do(Half.FIRST)
    finally:
        other.join()
    if failures:
        raise failures[0]


def is_alone(key: int, half: Half) -> bool:
    """Whether no other worker is at this half; until the transaction ends, none is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCKS + half, key])
        return cursor.fetchone()[0]


def wait_for_both(key: int) -> None:
    """Wait until no worker is at a half of this import; until the transaction ends, none is."""
    with connection.cursor() as cursor:
        for half in Half:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS + half, key])


def _do_beside(do: Callable[[Half], object], failures: list[Exception]) -> None:
    try:
        do(Half.SECOND)
    except Exception as error:  # the thread that waits for this one raises it
        failures.append(error)
    finally:
        connection.close()
