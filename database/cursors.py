"""Few round trips: for the statements that are sent again and again."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import AsyncConnection, Connection, Cursor

# So often a statement is sent before the server keeps it prepared.
PREPARED_AFTER = 5


@contextmanager
def pipeline() -> Iterator[None]:
    """Statements within go to the server together; their answers are there at the end."""
    database = _database()
    try:
        with database.connection.pipeline():
            yield
    except BaseException:
        prepare_anew(database.connection)
        raise


def prepare_anew(connection: Connection | AsyncConnection) -> None:
    """Have a connection on which a pipeline has failed prepare its statements anew.

    psycopg (3.3) takes a statement in a pipeline for prepared as soon as it is queued. Behind one
    that failed the server skips it, and the connection could never send it again.
    """
    connection._prepared.clear()


class _PreparingCursor(Cursor):
    """Has its connection count statements, which otherwise it does not.

    A connection keeps the text of what it counts. With the parameters in it, as Django's cursors
    send it, that can be megabytes each time, and pushes out what comes again.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Send a statement, as the cursor of psycopg does."""
        self.connection.prepare_threshold = PREPARED_AFTER
        try:
            return super().execute(query, params, **options)
        finally:
            self.connection.prepare_threshold = None


def preparing_cursor() -> Any:
    """A cursor whose statements the server keeps prepared, after it has met them some times.

    Django's own puts the parameters into the text, so that the server parses and plans each anew.
    For most statements, whose best plan depends on the parameters, that is right. Use it
    within `connection.wrap_database_errors`: its errors are psycopg's, unless queries are logged.
    """
    database = _database()
    cursor: Any = _PreparingCursor(database.connection)
    return database.make_debug_cursor(cursor) if database.queries_logged else cursor


def array_of(values: Iterable[int | str]) -> str:
    """An array parameter of numbers, GUIDs or other words without special characters.

    psycopg would look at each of them to find out what they are, which takes 15 times as long.
    """
    return f"{{{','.join(map(str, values))}}}"


def _database() -> BaseDatabaseWrapper:
    # Through django.db.connection, each look at it would be a look-up by thread and task.
    database = connections[DEFAULT_DB_ALIAS]
    if database.connection is None:
        database.ensure_connection()
    return database
