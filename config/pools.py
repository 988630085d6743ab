"""The connections of this process to the database."""

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper


def close_connections() -> None:
    """Close what this process has open to the database, its pools included."""
    connections.close_all()
    # Asking for a pool that is not there would make it, and start a database for it.
    pools = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]  # not in the stubs
    while pools:
        pools.popitem()[1].close()
