"""Questions that may take only so long, and then end."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled


class TooLong(Exception):
    """PostgreSQL was told to stop: a statement took longer than it may."""


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """A transaction in which no statement takes longer than this.

    :raises TooLong: if one did; the transaction is rolled back
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            limit_statements(cursor, seconds)
            yield
            # Inside of a transaction of the caller, it goes on without the limit.
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise TooLong from error


def limit_statements(cursor, seconds: float) -> None:
    """Let no further statement of this transaction take longer."""
    milliseconds = max(round(seconds * 1000), 1)
    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
