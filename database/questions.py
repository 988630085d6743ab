"""Questions to PostgreSQL as values: code that needs to know something says what, and not when.

So several of them go to the server in one round trip, on the connection of a thread or of the event
loop.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import connection

from database.cursors import pipeline, preparing_cursor


def nothing(rows: list[tuple]) -> None:
    """Reads the answer to a statement that has none."""


@dataclass(frozen=True, slots=True)
class Question[Answer]:
    """One statement, and what its rows mean."""

    sql: str
    params: Sequence[object]
    read: Callable[[list[tuple]], Answer]


def ask(*questions: Question) -> list[Any]:
    """The answers to `questions`, in order, in one round trip of this thread's connection."""
    with connection.wrap_database_errors:
        with pipeline() if len(questions) > 1 else nullcontext():
            cursors = [preparing_cursor() for _ in questions]
            for cursor, question in zip(cursors, questions, strict=True):
                cursor.execute(question.sql, question.params)
        return [
            question.read(cursor.fetchall() if cursor.description else [])
            for cursor, question in zip(cursors, questions, strict=True)
        ]
