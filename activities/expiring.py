"""Activities that are older than a rule keeps them: what would go, and its deletion in portions.

Whatever still needs an activity keeps it for another time: a data input that waits, a reader that
has not come to it yet, and what rooms above register with `register_need`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from activities.deleting import delete_activities
from activities.logs import ACTIVITIES
from activities.models import DataInput
from activities.seen import hold_counts
from contacts.records import try_hold_off_erasures
from contacts.touching import touch
from database.cursors import array_of
from readers.reading import unread_by_any

# So many activities say whose are deleted next; then all that are too old of these contacts go, up
# to the second number. So a contact is touched once, however many of its activities go.
HEADS, MOST_DELETED = 1_000, 10_000
COUNTED_AT_ONCE = 50_000

# By the index of a type. A time that cannot be true yet says nothing: then it counts since when the
# hub has it.
_NEXT = """
SELECT id, contact_id, occurred_at FROM (
    (
        SELECT id, contact_id, occurred_at FROM activities_activity
        WHERE type_id = %(type)s AND occurred_at < %(before)s
        AND (occurred_at, id) > (%(at)s::timestamptz, %(id)s)
        ORDER BY occurred_at, id LIMIT %(limit)s
    )
    UNION ALL
    (
        SELECT id, contact_id, occurred_at FROM activities_activity
        WHERE type_id = %(type)s AND occurred_at > %(now)s AND recorded_at < %(before)s
        AND (occurred_at, id) > (%(at)s::timestamptz, %(id)s)
        ORDER BY occurred_at, id LIMIT %(limit)s
    )
) AS old
ORDER BY occurred_at, id LIMIT %(limit)s
"""
# Neither waits for a row: who has locked one, such as a merge, may wait for another of ours.
_LOCK_CONTACTS = """
SELECT id FROM contacts_contact WHERE id = ANY(%s::bigint[]) ORDER BY id FOR KEY SHARE SKIP LOCKED
"""
_LOCK = """
SELECT id FROM activities_activity WHERE id = ANY(ARRAY(
    SELECT * FROM (
        SELECT id FROM activities_activity
        WHERE contact_id = ANY(%(contacts)s::bigint[]) AND occurred_at < %(before)s
        AND type_id = ANY(%(types)s::bigint[])
        LIMIT %(limit)s
    ) AS old
    UNION
    SELECT id FROM activities_activity
    WHERE id = ANY(%(heads)s::bigint[]) AND contact_id = ANY(%(contacts)s::bigint[])
)) FOR UPDATE SKIP LOCKED
"""
_LOCK_DATA_INPUTS = """
SELECT activity_id FROM activities_datainput WHERE activity_id = ANY(%s::bigint[])
FOR UPDATE SKIP LOCKED
"""
_UNREAD = "SELECT id FROM activities_activity WHERE id = ANY(%s::bigint[]) AND ({unread})"

Need = Callable[[Collection[int]], Iterable[int]]
_needs: list[Need] = []


class Position(NamedTuple):
    """Behind which activity of which type the next portion begins."""

    type_id: int = 0
    at: str = "-infinity"
    id: int = 0


@dataclass(frozen=True)
class Old:
    """The activities of some types that happened before a time.

    One whose time is later than `now` counts from when it was recorded.
    """

    types: Sequence[int]
    before: datetime
    now: datetime


@dataclass
class Counted:
    """What a portion of old activities comes to.

    :ivar months: how many there are in each month of the hub's time zone, as `2026-11`
    :ivar kept: how many of them something still needs
    :ivar after: where the next portion begins; None behind the last
    """

    found: int = 0
    kept: int = 0
    months: Counter[str] = field(default_factory=Counter)
    oldest: datetime | None = None
    newest: datetime | None = None
    first: list[int] = field(default_factory=list)
    after: Position | None = None


@dataclass
class Deleted:
    """What became of a portion.

    :ivar last: of each contact, the time of the newest activity that was deleted
    """

    deleted: int
    kept: int
    last: dict[int, datetime]
    after: Position | None


class _Head(NamedTuple):
    id: int
    contact_id: int
    occurred_at: datetime


def register_need(find: Need) -> None:
    """Have `find` tell which of the activities with these ids a room still needs."""
    _needs.append(find)


def count_old(old: Old, position: Position, limit: int = COUNTED_AT_ONCE) -> Counted:
    """Count the next old activities behind `position`, and how many of them are still needed."""
    heads, after = _next(old, position, limit)
    times = [head.occurred_at for head in heads]
    return Counted(
        found=len(heads),
        kept=len(_needed([head.id for head in heads])),
        months=Counter(timezone.localtime(at).strftime("%Y-%m") for at in times),
        oldest=min(times, default=None),
        newest=max(times, default=None),
        first=[head.id for head in heads[:5]],
        after=after,
    )


def delete_old(
    old: Old, position: Position, *, heads: int = HEADS, most: int = MOST_DELETED
) -> Deleted:
    """Delete old activities of the next contacts behind `position`, with what hangs on them.

    Readers look at the contacts again, and what was counted is counted no more. Call it inside a
    transaction, before any lock but that of the row that notes how far this is.
    """
    hold_counts()
    found, after = _next(old, position, heads)
    contacts = _locked_contacts({head.contact_id for head in found})
    ids = _lock(old, found, contacts, most)
    needed = _needed(ids)
    going = _without_busy_data_inputs([one for one in ids if one not in needed])
    rows = delete_activities(going) if going else []
    if rows:
        touch(*(one.contact_id for one in rows), aged=True)
    is_more = len(ids) >= most and bool(going)
    gone = set(going)
    return Deleted(
        deleted=sum(one.activities for one in rows),
        # A portion that begins at the same place again comes to these again.
        kept=0 if is_more else sum(head.id not in gone for head in found),
        last={one.contact_id: one.last for one in rows},
        after=position if is_more else after,
    )


def _next(old: Old, position: Position, limit: int) -> tuple[list[_Head], Position | None]:
    """The next old activities, type by type, and where those behind them begin."""
    found: list[_Head] = []
    for type_id in sorted(one for one in old.types if one >= position.type_id):
        at, key = position[1:] if type_id == position.type_id else Position()[1:]
        rows = _rows(
            _NEXT,
            {
                "type": type_id,
                "before": old.before,
                "now": old.now,
                "at": at,
                "id": key,
                "limit": limit - len(found),
            },
        )
        found += [_Head(*row) for row in rows]
        if len(found) == limit:
            last = found[-1]
            return found, Position(type_id, last.occurred_at.isoformat(), last.id)
    return found, None


def _locked_contacts(contact_ids: Collection[int]) -> list[int]:
    """Those of these contacts who are not being erased; until the end, they are not."""
    if try_hold_off_erasures():
        return list(contact_ids)
    return [pk for (pk,) in _rows(_LOCK_CONTACTS, [array_of(contact_ids)])]


def _lock(old: Old, heads: list[_Head], contact_ids: list[int], most: int) -> list[int]:
    """All old activities of these contacts, locked, but those that another has locked."""
    rows = _rows(
        _LOCK,
        {
            "contacts": array_of(contact_ids),
            "before": old.before,
            "types": array_of(old.types),
            "heads": array_of(head.id for head in heads),
            "limit": most,
        },
    )
    return [pk for (pk,) in rows]


def _without_busy_data_inputs(ids: list[int]) -> list[int]:
    """Those of `ids` whose data input, if they have one, is locked now."""
    given = array_of(ids)
    locked = {pk for (pk,) in _rows(_LOCK_DATA_INPUTS, [given])}
    all_of_them = DataInput.objects.filter(activity__in=ids) if ids else DataInput.objects.none()
    busy = set(all_of_them.values_list("activity_id", flat=True)) - locked
    return [one for one in ids if one not in busy]


def _needed(ids: Collection[int]) -> set[int]:
    """Those of `ids` that something still needs."""
    return {one for find in (_waiting_data_inputs, _unread, *_needs) for one in find(ids)}


def _waiting_data_inputs(ids: Collection[int]) -> Iterable[int]:
    sql = (
        "SELECT activity_id FROM activities_datainput"
        " WHERE outcome = 'pending' AND activity_id = ANY(%s::bigint[])"
    )
    return [pk for (pk,) in _rows(sql, [array_of(ids)])]


def _unread(ids: Collection[int]) -> Iterable[int]:
    unread, params = unread_by_any(ACTIVITIES)
    return [pk for (pk,) in _rows(_UNREAD.format(unread=unread), [array_of(ids), *params])]


def _rows(sql: str, params: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
