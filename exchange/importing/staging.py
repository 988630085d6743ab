"""The rows of a file, as they were read, in a table of their own until they are brought in.

Each check of an import makes tables, whose names end alike: dropping them costs nothing, and
PostgreSQL knows from their statistics what is in them, which it would not of a table that all
imports share. They are not logged: after a crash of PostgreSQL they are empty, and are made again
from the file.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection

from exchange.importing.problems import Problem

_PREFIX = "exchange_"
_KINDS = ("rows", "who", "many", "plan")
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_BUFFERED = 64 * 1024


def table(kind: str, staged_as: str) -> str:
    """The name of a table of this check: `rows`, `who`, `many` or `plan`."""
    assert kind in _KINDS
    assert staged_as.replace("_", "").isalnum()
    return f"{_PREFIX}{kind}_{staged_as}"


def make_rows(staged_as: str, names: Sequence[str]) -> None:
    """Make the table of rows: their numbers, why they are refused, and texts of these names."""
    columns = "".join(f", {name} text NOT NULL" for name in names)
    _execute(
        f"CREATE UNLOGGED TABLE {table('rows', staged_as)}"
        f" (row integer NOT NULL, problem text NOT NULL{columns})"
    )


def drop(staged_as: str, *kinds: str) -> None:
    """Drop the tables of a check, or some of them."""
    if staged_as:
        names = ", ".join(table(kind, staged_as) for kind in kinds or _KINDS)
        _execute(f"DROP TABLE IF EXISTS {names}")


def has(kind: str, staged_as: str) -> bool:
    """Whether this table is there, with rows in it."""
    if not staged_as:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [table(kind, staged_as)])
        if cursor.fetchone()[0] is None:
            return False
        cursor.execute(f"SELECT EXISTS (SELECT FROM {table(kind, staged_as)})")  # noqa: S608
        return cursor.fetchone()[0]


def copy_rows(
    staged_as: str, names: Sequence[str], rows: Iterable[tuple[int, str, Sequence[str]]]
) -> None:
    """Add rows: the number, why it is refused (or ""), and the values."""
    columns = ", ".join(("row", "problem", *names))
    tabs = len(names) + 1
    with connection.cursor() as cursor:
        statement = f"COPY {table('rows', staged_as)} ({columns}) FROM STDIN"
        with cursor.copy(statement) as copy:
            lines: list[str] = []
            size = 0
            for number, problem, values in rows:
                line = f"{number}\t{problem}\t" + "\t".join(values)
                if line.count("\t") != tabs or "\\" in line or "\n" in line or "\r" in line:
                    line = "\t".join(
                        one.translate(_ESCAPED) for one in (str(number), problem, *values)
                    )
                lines.append(line)
                size += len(line)
                if size > _BUFFERED:
                    copy.write("\n".join(lines) + "\n")
                    lines, size = [], 0
            if lines:
                copy.write("\n".join(lines) + "\n")


def problems_as_text(problems: Sequence[Problem]) -> str:
    """Why a row is refused, as the table keeps it."""
    return json.dumps([list(one) for one in problems]) if problems else ""


def problems_of(text: str) -> list[Problem]:
    """Why a row is refused, of what the table keeps."""
    return [Problem(*one) for one in json.loads(text)]


def rejected(staged_as: str, *, at_once: int = 2_000) -> Iterator[tuple[int, list[Problem]]]:
    """The numbers of refused rows and why they are, in the order of the file."""
    last = 0
    name = table("rows", staged_as)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT row, problem FROM {name} WHERE problem <> '' AND row > %s"  # noqa: S608
                " ORDER BY row LIMIT %s",
                [last, at_once],
            )
            found = cursor.fetchall()
        for number, problem in found:
            yield number, problems_of(problem)
        if len(found) < at_once:
            return
        last = found[-1][0]


def refused_later(staged_as: str, problems: Sequence[Problem]) -> list[tuple[Problem, int, int]]:
    """For each of these problems that rows have: the first row, and how many rows they are."""
    texts = {problems_as_text([one]): one for one in problems}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT problem, min(row), count(*) FROM {table('rows', staged_as)}"  # noqa: S608
            " WHERE problem = ANY(%s) GROUP BY problem",
            [list(texts)],
        )
        return [(texts[text], row, count) for text, row, count in cursor.fetchall()]


def _execute(sql: str, params: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
