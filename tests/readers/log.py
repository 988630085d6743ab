"""A reader for tests, which keeps what it was given in a table of its own."""

from contextlib import contextmanager

from django.db import connection

from readers.reading import Reader


@contextmanager
def table_of_what_was_read():
    """A table in which one row cannot be twice; and what is in it, in order."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS tests_read")  # of tests that were interrupted
        cursor.execute(
            "CREATE TABLE tests_read (at bigserial, log text, id bigint, UNIQUE (log, id))"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE tests_read")


def keeper(*logs, name="keeper"):
    """A reader that keeps the ids of the rows of these logs."""
    return Reader(name, {log: keeping(log) for log in logs})


def keeping(log):
    def keep(ids):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO tests_read (log, id) SELECT %s, unnest(%s::bigint[])", [log.name, ids]
            )

    return keep


def ids_read(log):
    """The ids that were read of `log`, in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tests_read WHERE log = %s ORDER BY at", [log.name])
        return [pk for (pk,) in cursor]


def pks_of(model):
    return list(model.objects.order_by("pk").values_list("pk", flat=True))
