"""Which errors say that the database is away, and which that it refuses what it was told."""

import psycopg
import pytest
from django import db

from config.embedded.errors import EmbeddedPostgresFailed
from database.outages import is_away
from database.transactions import as_django_error


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.DiskFull("x"),
        psycopg.errors.TooManyConnections("x"),
        psycopg.errors.AdminShutdown("x"),
        psycopg.errors.CannotConnectNow("x"),
        psycopg.errors.IoError("x"),
        psycopg.errors.ReadOnlySqlTransaction("x"),
        psycopg.OperationalError("server closed the connection unexpectedly"),
    ],
)
def test_database_that_is_away_is_told_by_its_error(error):
    assert is_away(error)
    assert is_away(as_django_error(error))


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.UniqueViolation("x"),
        psycopg.errors.DeadlockDetected("x"),
        psycopg.errors.UndefinedTable("x"),
        psycopg.errors.StringDataRightTruncation("x"),
        psycopg.ProgrammingError("x"),
    ],
)
def test_database_that_refuses_is_not_away(error):
    assert not is_away(error)
    assert not is_away(as_django_error(error))


def test_errors_without_a_server():
    assert is_away(EmbeddedPostgresFailed("it did not start"))
    assert is_away(db.OperationalError("no server"))
    assert not is_away(db.IntegrityError("x"))
    assert not is_away(ValueError("x"))
    assert not is_away(None)
