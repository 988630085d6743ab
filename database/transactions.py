"""A transaction as a generator: what it asks and writes, on any connection.

Steps are yielded; `run` carries them out on Django's connection, `run_soon` on one of the event
loop's. So what is recorded is decided in one place, and waits in two.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection as django_connection
from django.db import transaction, utils

from database.cursors import prepare_anew, preparing_cursor
from database.questions import Question, ask

_DJANGO_ERRORS = (
    "DataError",
    "OperationalError",
    "IntegrityError",
    "InternalError",
    "ProgrammingError",
    "NotSupportedError",
    "DatabaseError",
    "InterfaceError",
    "Error",
)
# What the server says when it goes away: a commit that was under way may have been completed.
_GONE = ("57P", "08")


@dataclass(frozen=True, slots=True)
class Ask:
    """Questions for one round trip; their answers are sent back into the generator.

    After the `last` ones the transaction ends, in the same round trip where that is possible.
    """

    questions: Sequence[Question]
    last: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """Rows to be added to a table by COPY, and PostgreSQL's types of their columns.

    It is binary: neither side has to put numbers, times and ids into words.
    """

    table: str
    columns: dict[str, str]
    rows: Iterable[Sequence[object]]

    @property
    def sql(self) -> str:
        return f"COPY {self.table} ({', '.join(self.columns)}) FROM STDIN (FORMAT BINARY)"


type Steps[Result] = Generator[Ask | Copy, Any, Result]


def run[Result](steps: Steps[Result]) -> Result:
    """Carry out `steps` in a transaction of this thread's connection."""
    # What COPY raises, Django does not translate by itself.
    with transaction.atomic(), django_connection.wrap_database_errors:
        return _drive(steps)


def _drive[Result](steps: Steps[Result]) -> Result:
    answers: Any = None
    while True:
        try:
            step = steps.send(answers)
        except StopIteration as end:
            return end.value
        if isinstance(step, Copy):
            answers = None
            _copy(step)
        else:
            answers = ask(*step.questions)


def _copy(step: Copy) -> None:
    with preparing_cursor() as cursor, cursor.copy(step.sql) as copy:
        copy.set_types(list(step.columns.values()))
        for row in step.rows:
            copy.write_row(row)


async def run_soon[Result](steps: Steps[Result], connection: psycopg.AsyncConnection) -> Result:
    """The same in a transaction of `connection`, which commits by itself otherwise."""
    try:
        return await _drive_soon(steps, connection)
    except BaseException:
        if not connection.closed:
            await connection.rollback()
        raise


async def _drive_soon[Result](steps: Steps[Result], connection: psycopg.AsyncConnection) -> Result:
    answers: Any = None
    is_open = False
    while True:
        try:
            step = steps.send(answers)
        except StopIteration as end:
            if is_open:
                await connection.execute("COMMIT")
            return end.value
        if isinstance(step, Copy):
            if not is_open:
                await connection.execute("BEGIN")
            await _copy_soon(step, connection)
            answers, is_open = None, True
        else:
            begin = [] if is_open else ["BEGIN"]
            commit = ["COMMIT"] if step.last else []
            answers = await fetch(connection, step.questions, before=begin, after=commit)
            is_open = not step.last


async def _copy_soon(step: Copy, connection: psycopg.AsyncConnection) -> None:
    async with connection.cursor() as cursor, cursor.copy(step.sql) as copy:
        copy.set_types(list(step.columns.values()))
        for row in step.rows:
            await copy.write_row(row)


async def run_at_once(questions: Sequence[Question], connection: psycopg.AsyncConnection) -> None:
    """Carry out `questions` as one transaction, in one round trip."""
    if len(questions) == 1:
        await fetch(connection, questions)
        return
    try:
        # With these, a constraint that is checked at the end fails as one, and not the pipeline.
        await fetch(connection, questions, before=["BEGIN"], after=["COMMIT"])
    except BaseException:
        if not connection.closed:
            await connection.rollback()
        raise


async def fetch(
    connection: psycopg.AsyncConnection,
    questions: Sequence[Question],
    *,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> list[Any]:
    """The answers to `questions`, with the commands around them, in one round trip."""
    if len(questions) == 1 and not before and not after:
        cursors = [await connection.execute(questions[0].sql, questions[0].params)]
    else:
        try:
            async with connection.pipeline():
                for command in before:
                    await connection.execute(command)
                cursors = [
                    await connection.execute(question.sql, question.params)
                    for question in questions
                ]
                for command in after:
                    await connection.execute(command)
        except BaseException:
            prepare_anew(connection)
            raise
    return [
        question.read(await cursor.fetchall() if cursor.description else [])
        for cursor, question in zip(cursors, questions, strict=True)
    ]


def as_django_error(error: psycopg.Error) -> utils.Error:
    """The error that Django has for this one, which is its cause."""
    name = next(name for name in _DJANGO_ERRORS if isinstance(error, getattr(psycopg, name)))
    django_error = getattr(utils, name)(*error.args)
    django_error.__cause__ = error
    return django_error


def is_undone(error: BaseException) -> bool:
    """Whether a transaction that ended with `error` has certainly left nothing behind."""
    cause = error.__cause__ if isinstance(error, utils.Error) else error
    if not isinstance(cause, psycopg.Error):
        return True
    return cause.sqlstate is not None and not cause.sqlstate.startswith(_GONE)
