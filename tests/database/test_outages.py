"""Which errors say that the database is away or busy, and which that it refuses what it is told."""

import psycopg
import pytest
from django import db

from config.embedded.errors import EmbeddedPostgresFailed
from database.outages import is_away, is_conflict
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


def test_transactions_that_are_in_each_others_way_are_told_by_their_error():
    for of_state in ("DeadlockDetected", "SerializationFailure", "LockNotAvailable"):
        error = getattr(psycopg.errors, of_state)("x")
        assert is_conflict(error)
        assert is_conflict(as_django_error(error))
    assert not is_conflict(as_django_error(psycopg.errors.UniqueViolation("x")))
    assert not is_conflict(db.OperationalError("no server"))
    assert not is_conflict(ValueError("x"))
