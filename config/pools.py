"""The connections of this process to the database, which come back as soon as that does."""

import time
from weakref import WeakKeyDictionary

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg_pool import ConnectionPool


def close_connections() -> None:
    """Close what this process has open to the database, its pools included."""
    connections.close_all()
    # Asking for a pool that is not there would make it, and start a database for it.
    pools = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]  # not in the stubs
    while pools:
        pools.popitem()[1].close()


# How many had asked each pool for a connection when it last failed, and since when that is so.
_asked: WeakKeyDictionary[ConnectionPool, tuple[int, float]] = WeakKeyDictionary()


def connect_again(pool: ConnectionPool) -> None:
    """Let a pool that has given up try again, as long as a thread may wait for a connection."""
    # The number of those who wait would count those who have given up as well.
    number, now = pool.get_stats().get("requests_num", 0), time.monotonic()
    known, since = _asked.get(pool, (-1, now))
    if number != known:
        _asked[pool] = (number, since := now)
    if now - since < pool.timeout:
        # This looks for broken connections, and opens a new one.
        pool.check()
