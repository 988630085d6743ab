"""Where a reader is in a log, and what comes next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from readers.epochs import epochs_of
from readers.logs import Log
from readers.models import Epoch, Position

_OVER = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %s::xid8"
# What the row of the position says, or what it would begin with.
_RECORDED_IN = "(SELECT recorded_in FROM readers_position WHERE id = %s)"
_NUMBER = "(SELECT coalesce(max(number), %s) FROM readers_position WHERE id = %s)"
_LAST_OVER = "SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text"
_LAST_NUMBER = 2**63 - 1
_COUNT = "SELECT count(*) FROM (SELECT FROM {table} WHERE {unread} LIMIT %s) AS unread"
_NEXT = """
SELECT id, {number}, coalesce(recorded_in, '0')::text FROM {table} WHERE {conditions}
ORDER BY {order} LIMIT %s
"""


_LAST = """
SELECT {number}, recorded_in::text FROM {table}
WHERE recorded_in IS NOT NULL AND (recorded_in, {number}) > (%s::xid8, %s) AND {number} >= %s
AND recorded_in < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY recorded_in DESC, {number} DESC LIMIT 1
"""


@dataclass(frozen=True)
class Place:
    """A place in a log: everything up to `number` in its epoch has been read.

    Before the first epoch that is the order of the numbers alone, in an epoch that of the
    transactions, and of the numbers in each. `position` is the row that keeps the place.
    """

    log: Log
    epochs: Sequence[Epoch]
    epoch: int = 0
    recorded_in: str = "0"
    number: int = 0
    position: int | None = None

    def next_batch(self, limit: int) -> "tuple[list[int], Place] | None":
        """The ids of the next rows, and the place after them; None if nothing can be read yet.

        Rows of a transaction are handed out as soon as it and all that began before it are over.
        """
        if self._is_in_earlier_epoch:
            if not self.are_writers_over():
                return None
            rows = self._fetch(limit)
            if not rows:
                return self._in_next_epoch().next_batch(limit)
        elif not (rows := self._fetch(limit)):
            return None
        _, number, recorded_in = rows[-1]
        after = replace(self, recorded_in=recorded_in, number=number)
        return [pk for pk, _, _ in rows], after

    def read_again(self, reader: str) -> "Place":
        """Where the reader of this name is in this log by now; one query."""
        return _place(
            self.log,
            self.epochs,
            Position.objects.filter(reader=reader, log=self.log.name).first(),
        )

    def after_all(self) -> "Place | None":
        """The place after all rows that can be read; None if none can, or not all by this epoch."""
        if not self.epoch or self._is_in_earlier_epoch:
            return None
        sql = _LAST.format(number=self.log.number, table=self.log.table)
        with connection.cursor() as cursor:
            cursor.execute(sql, [self.recorded_in, self.number, self._first])
            row = cursor.fetchone()
        return row and replace(self, number=row[0], recorded_in=row[1])

    def unread(self) -> tuple[str, list[Any]]:
        """A condition of SQL, with its parameters, for the rows that have not been read.

        It reads the position in the same moment as the rows.
        """
        number = self.log.number
        if not self.epoch:
            return f"{number} > {_NUMBER}", [self.number, self.position]
        rest = f"{number} >= %s AND (recorded_in, {number}) > ({_RECORDED_IN}, {_NUMBER})"
        params: list[Any] = [self._first, self.position, self.number, self.position]
        if not self._is_in_earlier_epoch:
            return rest, params
        return f"({number} >= %s OR ({rest}))", [self._end, *params]

    def count(self, most: int) -> int:
        """How many rows have not been read, counted up to `most`."""
        unread, params = self.unread()
        with connection.cursor() as cursor:
            cursor.execute(_COUNT.format(table=self.log.table, unread=unread), [*params, most])
            return cursor.fetchone()[0]

    def _in_next_epoch(self) -> "Place":
        return replace(self, epoch=self.epoch + 1, recorded_in="0", number=0)

    @property
    def _is_in_earlier_epoch(self) -> bool:
        return self.epoch < len(self.epochs)

    @property
    def _first(self) -> int:
        return self.epochs[self.epoch - 1].first

    @property
    def _end(self) -> int:
        """The number with which the next epoch begins."""
        return self.epochs[self.epoch].first

    def are_writers_over(self) -> bool:
        """Whether nobody can add rows any more to what is before the epoch that goes on."""
        with connection.cursor() as cursor:
            cursor.execute(_OVER, [self.epochs[-1].horizon])
            return cursor.fetchone()[0]

    def _fetch(self, limit: int) -> list[tuple[int, int, str]]:
        sql, params = self._query(limit)
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()

    def _query(self, limit: int) -> tuple[str, list[Any]]:
        """The next rows, as id, number and transaction."""
        number = self.log.number
        order = f"recorded_in, {number}" if self.epoch else number
        if self.epoch:
            conditions = [
                # It follows from the next one, and lets PostgreSQL use an index of such rows alone.
                "recorded_in IS NOT NULL",
                f"(recorded_in, {number}) > (%s::xid8, %s)",
                f"{number} >= %s",
            ]
            params: list[Any] = [self.recorded_in, self.number, self._first]
        else:
            conditions, params = [f"{number} > %s"], [self.number]
        if self._is_in_earlier_epoch:
            conditions.append(f"{number} < %s")
            params.append(self._end)
        else:
            conditions.append("recorded_in < pg_snapshot_xmin(pg_current_snapshot())")
        sql = _NEXT.format(
            number=number, table=self.log.table, conditions=" AND ".join(conditions), order=order
        )
        return sql, [*params, limit]


def some_wait(places: Collection[Place]) -> list[Log]:
    """The logs in which something can be read at these places, in their order.

    One query, and some more for a place in an earlier epoch.
    """
    # As values: of EXISTS, PostgreSQL forgets the order, and with it the index.
    looks = [place._query(1) for place in places]
    values = [f"(SELECT key FROM ({sql}) AS next (key))" for sql, _ in looks]  # noqa: S608
    with connection.cursor() as cursor:
        params = [value for _, of_one in looks for value in of_one]
        cursor.execute(f"SELECT {', '.join(values)}", params)
        first = cursor.fetchone()
    return [
        place.log
        for place, key in zip(places, first, strict=True)
        # There the writers may not be over, and at its end the next epoch follows.
        if (place.next_batch(1) if place._is_in_earlier_epoch else key) is not None
    ]


def place_of(reader: str, log: Log) -> Place:
    """Where the reader of this name is in `log`; two queries."""
    return places_of(reader, [log])[log]


def places_of(reader: str, logs: Collection[Log]) -> dict[Log, Place]:
    """Where the reader of this name is in each of these logs; two queries."""
    epochs = epochs_of(logs)
    rows = Position.objects.filter(reader=reader, log__in=[log.name for log in logs])
    positions = {position.log: position for position in rows}
    return {log: _place(log, epochs[log.name], positions.get(log.name)) for log in logs}


def _place(log: Log, epochs: Sequence[Epoch], position: Position | None) -> Place:
    if position is None:
        return Place(log, epochs)
    at = (position.epoch, position.recorded_in, position.number, position.pk)
    return Place(log, epochs, *at)


def present(log: Log) -> Place | None:
    """The place in `log` before all that can still be recorded; everything before it is visible.

    None while transactions run that began before the epoch that goes on.
    """
    place = Place(log, epochs_of([log])[log.name])
    if not place.epochs or not place.are_writers_over():
        return None
    with connection.cursor() as cursor:
        cursor.execute(_LAST_OVER)
        (last,) = cursor.fetchone()
    return replace(place, epoch=len(place.epochs), recorded_in=last, number=_LAST_NUMBER)


def move(reader: str, place: Place) -> None:
    """Keep that `reader`, whose row the caller has locked, has read everything up to `place`."""
    of_log = {"reader_id": reader, "log": place.log.name}
    where = {"epoch": place.epoch, "recorded_in": place.recorded_in, "number": place.number}
    if not Position.objects.filter(**of_log).update(**where):
        Position.objects.create(**of_log, **where)
