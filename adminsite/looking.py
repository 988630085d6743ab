"""Filters that no index serves: the rows of a list are looked at, one after the other.

Rows come in the order of the list and in portions, until a page can be shown or the time is over.
Where few of them are what a filter finds, all that it finds are looked for at once. A list that
takes too long says how far it has come, and never waits without end.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Protocol, Self

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, Q, QuerySet

from adminsite.paginator import COUNTED_ROWS
from database.bounded import TooLong, bounded, limit_statements
from database.lookups import Among

# How long rows are looked at in their order, and how long all that is found may then take.
IN_ORDER_SECONDS = 0.7
EVERYWHERE_SECONDS = 3.0
_FIRST_PORTION, _LARGEST_PORTION = 500, 4_000
# PostgreSQL plans for the first rows, not for all that a cursor could give.
_FIRST_ROWS = "SET LOCAL cursor_tuple_fraction = 0.0001"


class Look(Protocol):
    """Which rows a filter finds, where a look at each has to say so."""

    def among(self, ids: Sequence[int]) -> Collection[int]:
        """Those of these rows that it finds."""

    def all_of(self, rows: QuerySet) -> QuerySet:
        """Those of `rows` that it finds, as one query."""

    def __and__(self, other: Self) -> "Look":
        """What both find."""


@dataclass(frozen=True)
class Conditions:
    """Rows that fulfil conditions on their own columns."""

    model: type[Model]
    holds: Q

    def among(self, ids: Sequence[int]) -> Collection[int]:
        rows = self.model._default_manager.order_by().filter(Among("pk", ids)).filter(self.holds)
        return set(rows.values_list("pk", flat=True))

    def all_of(self, rows: QuerySet) -> QuerySet:
        return rows.filter(self.holds)

    def __and__(self, other: "Conditions") -> "Conditions":
        return Conditions(self.model, self.holds & other.holds)


@dataclass
class Found:
    """What was found in time, in the order of the list.

    :ivar looked_at: how many rows were looked at
    :ivar is_all: whether there are no others
    :ivar gave_up: whether a page could not be filled because the time was over
    """

    ids: list[int] = field(default_factory=list)
    looked_at: int = 0
    is_all: bool = False
    gave_up: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether there may be more than `ids`."""
        return not self.is_all


def combined(looks: Sequence[Look]) -> Look | None:
    """What all of these find, in one look."""
    return reduce(and_, looks) if looks else None


def find(rows: QuerySet, look: Look, *, enough: int) -> Found:
    """The first of `rows` that `look` finds, in their order, as far as there is time.

    :param enough: with so many, a page can be shown, and the rest is not worth the wait
    """
    walked = _in_order(rows, look)
    if walked.is_all or len(walked.ids) >= min(enough, COUNTED_ROWS):
        return walked
    try:
        with bounded(EVERYWHERE_SECONDS):
            some = look.all_of(rows).values_list("pk", flat=True)
            ids = list(some[: COUNTED_ROWS + 1])
            return Found(ids, is_all=len(ids) <= COUNTED_ROWS)
    except TooLong:
        walked.gave_up = True
        return walked


def _in_order(rows: QuerySet, look: Look) -> Found:
    found = Found()
    ends_at = time.monotonic() + IN_ORDER_SECONDS
    try:
        with bounded(IN_ORDER_SECONDS):
            for portion in _portions(rows, ends_at):
                kept = look.among(portion)
                found.ids += [one for one in portion if one in kept]
                found.looked_at += len(portion)
                if len(found.ids) > COUNTED_ROWS:
                    return found
            found.is_all = time.monotonic() < ends_at
    except TooLong:
        pass
    return found


def _portions(rows: QuerySet, ends_at: float) -> Iterator[list[int]]:
    """The ids of `rows` in their order, until it is `ends_at`."""
    try:
        sql, params = rows.values_list("pk", flat=True).query.sql_with_params()
    except EmptyResultSet:
        return
    size = _FIRST_PORTION
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_ROWS)
        cursor.execute(f"DECLARE looked NO SCROLL CURSOR FOR {sql}", params)
        while (left := ends_at - time.monotonic()) > 0:
            limit_statements(cursor, left)
            cursor.execute(f"FETCH {size} FROM looked")
            if not (portion := [row[0] for row in cursor.fetchall()]):
                break
            yield portion
            size = min(2 * size, _LARGEST_PORTION)
        cursor.execute("CLOSE looked")
