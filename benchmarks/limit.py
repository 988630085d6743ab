"""The limit: how fast PostgreSQL alone takes the very rows that the hub writes.

Rows are copied into the same table, with its indexes and keys, so many a transaction. What the
hub does besides (HTTP, JSON, rules, its own look-ups) is the distance between the two.
"""

import os
import select
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from typing import NamedTuple

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from benchmarks.hub import BenchmarkFailed

CONNECTIONS = 8
SIZES = (1, 20, 100, 1000)

_MOST_ROWS = 20_000
# The last one is new in each transaction, as it is in each request.
_COLUMNS = (
    "type_id, contact_id, channel_id, tracked_site_id, title, value, url, referrer, properties,"
    " occurred_at, recorded_at, logged_as, client_id, request_id"
)
_COPY = f"COPY activities_activity ({_COLUMNS}) FROM STDIN".encode()


class Copied(NamedTuple):
    """What came of copying for a while."""

    rows: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


def read_rows(database: psycopg.Connection) -> list[bytes]:
    """Rows that the hub has written, without their request, those of a request together."""
    query = (
        f"COPY (SELECT {_COLUMNS} FROM activities_activity ORDER BY request_id, id"
        f" LIMIT {_MOST_ROWS}) TO STDOUT"
    )
    with database.cursor() as cursor, cursor.copy(query) as copy:
        lines = b"".join(bytes(data) for data in copy).splitlines()
    return [line[: line.rindex(b"\t") + 1] for line in lines]


def copy_rows(database: psycopg.Connection, rows: list[bytes], size: int, seconds: float) -> Copied:
    """Copy `rows` again and again for `seconds`, `size` of them in a transaction."""
    parts = [rows[start : start + size] for start in range(0, len(rows) - size + 1, size)]
    if not parts:
        raise BenchmarkFailed(f"{len(rows)} rows are too few to copy {size} at a time.")
    with ExitStack() as stack:
        connections = [
            # A DSN is without the password.
            stack.enter_context(
                psycopg.connect(database.info.dsn, password=database.info.password, autocommit=True)
            )
            for _ in range(CONNECTIONS)
        ]
        pool = stack.enter_context(ThreadPoolExecutor(CONNECTIONS))
        started_at = time.perf_counter()
        copies = [
            pool.submit(_copy_until, started_at + seconds, one.pgconn, _turned(parts, number))
            for number, one in enumerate(connections)
        ]
        copied = sum(copy.result() for copy in copies)
        return Copied(copied, time.perf_counter() - started_at)


def _turned(parts: list[list[bytes]], number: int) -> list[list[bytes]]:
    """The same parts for each connection, but each begins somewhere else."""
    start = len(parts) * number // CONNECTIONS
    return parts[start:] + parts[:start]


def _copy_until(stop_at: float, connection: PGconn, parts: list[list[bytes]]) -> int:
    count, endless = 0, cycle(parts)
    while time.perf_counter() < stop_at:
        part = next(endless)
        request_id = os.urandom(16).hex().encode()
        _copy(connection, (request_id + b"\n").join([*part, b""]))
        count += len(part)
    return count


def _copy(connection: PGconn, data: bytes) -> None:
    """One transaction, with as little of Python as there can be."""
    connection.exec_(_COPY)
    connection.put_copy_data(data)
    connection.put_copy_end()
    while connection.flush():
        select.select([], [connection.socket], [])
    # Waiting in get_result would keep the other threads from working.
    select.select([connection.socket], [], [])
    while (result := connection.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            raise BenchmarkFailed(f"PostgreSQL refused a row: {result.error_message!r}")
