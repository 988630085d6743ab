"""Transactions as generators: the same on Django's connection and on one of the event loop."""

from uuid import UUID

import psycopg
import pytest
from django.db import DataError, OperationalError, transaction, utils

from activities.models import ActivityClaim
from database.questions import Question, nothing
from database.transactions import (
    Ask,
    Copy,
    as_django_error,
    fetch,
    is_undone,
    run,
    run_soon,
)
from tests.loops import open_hub
from tests.threads import run_in_loop

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = {"channel_id": "int8", "client_id": "uuid", "activity_id": "int8"}
COUNT = Question(
    "SELECT count(*), pg_current_xact_id()::text FROM activities_activityclaim",
    (),
    lambda rows: rows[0],
)
FAIL = Question("SELECT 1 / 0", (), nothing)


def run_in_event_loop(steps):
    async def run_there():
        async with open_hub() as (database, _), database.connection() as one:
            return await run_soon(steps, one)

    return run_in_loop(run_there())


both_ways = pytest.mark.parametrize("carry_out", [run, run_in_event_loop])


def claims(*numbers):
    rows = [(1, UUID(int=number), number) for number in numbers]
    return Copy("activities_activityclaim", COLUMNS, iter(rows))


def stored():
    return sorted(ActivityClaim.objects.values_list("activity_id", flat=True))


@both_ways
@pytest.mark.parametrize("last", [True, False])
def test_steps_are_one_transaction(carry_out, last):
    def steps():
        (before,) = yield Ask([COUNT])
        told = yield claims(1, 2)
        assert told is None
        number = Question("SELECT %s::int", [5], lambda rows: rows[0][0])
        told = yield Ask([COUNT, number, Question("SELECT 1 WHERE false", (), list)], last=last)
        return before, *told

    (before, first), (after, second), number, none = carry_out(steps())

    assert (before, after, number, none) == (0, 2, 5, [])
    assert first == second
    assert stored() == [1, 2]


@both_ways
@pytest.mark.parametrize(
    "some", [lambda: [claims(1)], lambda: [Ask([COUNT]), claims(1)], lambda: [claims(1), claims()]]
)
def test_transaction_ends_with_the_steps(carry_out, some):
    def steps():
        yield from (step for step in some())
        return "done"

    assert carry_out(steps()) == "done"
    assert stored() == [1]


@both_ways
def test_steps_may_be_none(carry_out):
    def steps():
        return "done"
        yield

    assert carry_out(steps()) == "done"


@both_ways
@pytest.mark.parametrize("last", [True, False])
def test_nothing_stays_of_what_the_database_refuses(carry_out, last):
    def steps():
        yield claims(1)
        yield Ask([COUNT, FAIL], last=last)

    with pytest.raises(DataError, match="division by zero"):
        carry_out(steps())

    assert stored() == []


@both_ways
def test_nothing_stays_of_steps_that_fail_by_themselves(carry_out):
    def steps():
        yield claims(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        carry_out(steps())

    assert stored() == []


@both_ways
def test_errors_of_rows_are_djangos(carry_out):
    with pytest.raises(utils.IntegrityError) as raised:
        carry_out(iter_of(claims(1, 1)))

    assert isinstance(raised.value.__cause__, psycopg.errors.UniqueViolation)
    assert stored() == []


def iter_of(step):
    yield step


def test_connection_of_the_event_loop_can_be_used_after_an_error():
    def steps():
        yield claims(1)
        yield Ask([FAIL])

    async def fail_and_go_on():
        async with open_hub() as (database, _), database.connection() as one:
            with pytest.raises(psycopg.errors.DivisionByZero):
                await run_soon(steps(), one)
            await run_soon(iter_of(claims(2)), one)

    run_in_loop(fail_and_go_on())
    assert stored() == [2]


def test_transaction_of_a_caller_is_shared():
    with transaction.atomic():
        run(iter_of(claims(1)))
        assert stored() == [1]
        transaction.set_rollback(True)

    assert stored() == []


def error_of(state):
    """What psycopg raises for this SQLSTATE; None stands for a connection that was lost."""
    return psycopg.OperationalError("lost") if state is None else psycopg.errors.lookup(state)("x")


@pytest.mark.parametrize(
    ("state", "undone"),
    [
        ("22012", True),  # division by zero
        ("23505", True),  # not unique
        ("40P01", True),  # deadlock
        ("53100", True),  # disk full
        ("57P01", False),  # the server is shut down
        ("08006", False),  # the connection failed
        (None, False),
    ],
)
def test_what_is_undone_for_certain(state, undone):
    error = error_of(state)

    assert is_undone(error) is undone
    assert is_undone(as_django_error(error)) is undone


def test_errors_that_are_none_of_the_database_are_undone():
    assert is_undone(ValueError())
    assert is_undone(utils.DatabaseError("by itself"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.errors.UniqueViolation("x"), utils.IntegrityError),
        (psycopg.errors.DivisionByZero("x"), utils.DataError),
        (psycopg.errors.AdminShutdown("x"), OperationalError),
        (psycopg.errors.InFailedSqlTransaction("x"), utils.InternalError),
        (psycopg.errors.UndefinedTable("x"), utils.ProgrammingError),
        (psycopg.InterfaceError("x"), utils.InterfaceError),
        (psycopg.Error("x"), utils.Error),
    ],
)
def test_errors_have_djangos_names(error, expected):
    made = as_django_error(error)

    assert (type(made), made.args, made.__cause__) == (expected, ("x",), error)


def test_what_the_loop_was_to_prepare_behind_what_failed_can_be_asked_again():
    asked = Question("SELECT 'asked again and again', %s::int", [1], list)

    async def ask_again_and_again():
        async with open_hub() as (database, _), database.connection() as one:
            for _ in range(one.prepare_threshold):
                await fetch(one, [asked])
            with pytest.raises(psycopg.Error):
                await fetch(one, [FAIL, asked])
            return await fetch(one, [asked])

    assert run_in_loop(ask_again_and_again()) == [[("asked again and again", 1)]]
