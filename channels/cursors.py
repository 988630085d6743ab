"""Few round trips: for the statements that are sent again and again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor


@contextmanager
def pipeline() -> Iterator[None]:
    """Statements within go to the server together; their answers are there at the end."""
    connection.ensure_connection()
    with connection.connection.pipeline():
        yield


def preparing_cursor() -> CursorWrapper:
    """A cursor whose statements the server keeps prepared, after it has met them some times.

    Django's own puts the parameters into the text, so that the server parses and plans each anew.
    For most statements, whose best plan depends on the parameters, that is right.
    """
    connection.ensure_connection()
    cursor: Any = Cursor(connection.connection)
    if connection.queries_logged:
        return connection.make_debug_cursor(cursor)
    return connection.make_cursor(cursor)
