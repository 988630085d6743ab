"""The database of a hub of before, and what is in it as rows that can be compared."""

import gzip
import json
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from tests.readers.clusters import another_database, moved_to, of_tests, restore

_DUMP = Path(__file__).parent / "hub_of_0_1.sql.gz"


@contextmanager
def old_hub():
    """Meanwhile Django's connections lead to the hub of before; yields what they need for that."""
    with another_database(of_tests()) as parameters:
        restore(gzip.decompress(_DUMP.read_bytes()).decode(), parameters)
        with moved_to(parameters):
            yield parameters


def all_rows():
    """The rows of each table, as PostgreSQL writes them: no model of today is asked."""
    return {table: _rows_of(table) for table in connection.introspection.table_names()}


def _rows_of(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(one)::text FROM {table} AS one")
        return [_in_words(json.loads(row)) for (row,) in cursor]


def _in_words(row):
    """Values that are JSON themselves as text, so that rows can be counted."""
    return {
        column: json.dumps(value) if isinstance(value, dict | list) else value
        for column, value in row.items()
    }


def files():
    """Where the rows of each table are: elsewhere if it was written anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_filenode(oid) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return dict(cursor.fetchall())


def lost(before, after, *, apart_from=()):
    """The rows of a table that are not there any more as they were, in the columns they had."""
    columns = [column for row in before[:1] for column in row if column not in apart_from]
    return [dict(row) for row in (_count(before, columns) - _count(after, columns)).elements()]


def _count(rows, columns):
    return Counter(tuple((column, row.get(column)) for column in columns) for row in rows)
