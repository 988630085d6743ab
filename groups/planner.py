"""What PostgreSQL's planner expects of a query, before it is part of a statement."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from groups.formulas import Statement

# What a planner's estimate is good for, before it is made again.
_ESTIMATE_SECONDS = 60.0
_MOST_ESTIMATES = 1_000
# As the manual has it for what is in memory or on a disk without moving parts. By the default the
# planner reads the log by its index of blocks, which passes over less and less: rows that come
# later fill the gaps that merges and erasures leave, and each block has some of the last days.
_BY_INDEXES = "SET LOCAL random_page_cost = 1.1"
_AS_BEFORE = "SET LOCAL random_page_cost TO DEFAULT"


@dataclass(frozen=True)
class Estimate:
    """What the planner expects of a query: how many rows, at what cost in its own units."""

    rows: float
    cost: float


_estimates: dict[tuple[str, tuple], tuple[float, Estimate]] = {}


@contextmanager
def reading_by_indexes(cursor: Any) -> Iterator[None]:
    """Have the planner think little of reading rows here and there. Not for estimates.

    Call it inside a transaction.
    """
    cursor.execute(_BY_INDEXES)
    yield
    # After an error the transaction is over, and with it what was set.
    cursor.execute(_AS_BEFORE)


def for_driver(statement: Statement) -> Statement:
    """The statement as psycopg takes it, which writes lists as arrays, and tuples as rows."""
    params = (list(value) if isinstance(value, tuple) else value for value in statement.params)
    return Statement(statement.sql, tuple(params))


def estimate(query: Statement) -> Estimate:
    """What the planner expects of `query`; the same answer for a minute, whatever its times are."""
    now = time.monotonic()
    timeless = tuple(value for value in query.params if not isinstance(value, date))
    known = _estimates.get((query.sql, timeless))
    if known is None or now - known[0] > _ESTIMATE_SECONDS:
        if len(_estimates) >= _MOST_ESTIMATES:
            _estimates.clear()
        _estimates[query.sql, timeless] = known = now, _ask_planner(query)
    return known[1]


def _ask_planner(query: Statement) -> Estimate:
    statement = for_driver(query)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement.sql}", statement.params)
        (plan,) = cursor.fetchone()
    root = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return Estimate(root["Plan Rows"], root["Total Cost"])
