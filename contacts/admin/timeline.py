"""The timeline of a contact: what happened to it, newest first, made of entries that apps add."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from itertools import groupby
from operator import attrgetter, or_
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from adminsite.permissions import AnyUser, May
from contacts.admin.sessions import Session, Visit, end_of_page, ranges_of, session_of
from contacts.models import Contact

PER_PAGE = 50
# A search looks at so many rows of each kind, then tells how far it has come.
LOOKED = 5_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSITION = re.compile(r"(-?[0-9]{1,18})\.([a-z-]{1,50})\.([0-9]{1,18})")


@dataclass(frozen=True)
class Entry:
    """What the timeline shows of one row: the template of its kind gets `row` and `shown`.

    `visit` is what it tells about its session. The timeline itself says whether the entry is
    `in_session`, and which `session` begins above it.
    """

    row: Any
    icon: str
    label: str
    shown: dict[str, object]
    visit: Visit | None = None
    in_session: bool = False
    session: Session | None = None


@dataclass(frozen=True)
class EntryKind:
    """One kind of what happens to contacts, for users who `may_see` it.

    `rows` are querysets that have no row in common; each is read in the order of the field `at`,
    then of the id, so an index should lead to a contact's newest rows. `describe` makes an entry of
    each row of a page, in a constant number of queries. So does `facts`: names and values for the
    head of the contact's page.

    `search` finds rows by a text, of what this user may see, and `narrow` those of a choice, such
    as of a channel. A kind that lacks one of them is left out where it is asked for. Rows of kinds
    that are `in_sessions` are what a contact did: those between pauses are shown as a session.
    """

    name: str
    title: str
    position: int
    may_see: May
    rows: Callable[[Contact, AnyUser], Iterable[QuerySet]]
    at: str
    describe: Callable[[Contact, list, AnyUser], Iterable[Entry]]
    template: str
    facts: Callable[[Contact, AnyUser], Sequence[tuple[str, object]]] | None = None
    search: Callable[[QuerySet, str, AnyUser], QuerySet] | None = None
    narrow: Mapping[str, Callable[[QuerySet, str], QuerySet]] = field(default_factory=dict)
    in_sessions: bool = False

    def position_of(self, row: Model) -> "Position":
        return Position(attrgetter(self.at.replace("__", "."))(row), self.name, row.pk)


@dataclass(frozen=True)
class Position:
    """Where a row stands: by time, the newest first, then by the name of its kind, then by id."""

    at: datetime
    kind: str
    pk: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The position that `str` has written, or None."""
        found = _POSITION.fullmatch(text)
        try:
            at = _EPOCH + timedelta(microseconds=int(found[1])) if found else None
        except OverflowError:
            return None
        return cls(at, found[2], int(found[3])) if found and at else None

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}.{self.kind}.{self.pk}"

    @property
    def sort_key(self) -> tuple:
        return (_EPOCH - self.at, self.kind, -self.pk)

    def after(self, kind: EntryKind) -> Q:
        """The condition that a row of `kind` comes after this position."""
        earlier = Q(**{f"{kind.at}__lt": self.at})
        if kind.name < self.kind:
            return earlier
        # In this form, an index is entered at the position.
        until = Q(**{f"{kind.at}__lte": self.at})
        return until & (earlier | Q(pk__lt=self.pk)) if kind.name == self.kind else until

    def until(self, kind: EntryKind) -> Q:
        """The condition that a row of `kind` comes before this position, or stands at it."""
        later = Q(**{f"{kind.at}__gt": self.at})
        if kind.name > self.kind:
            return later
        since = Q(**{f"{kind.at}__gte": self.at})
        return since & (later | Q(pk__gte=self.pk)) if kind.name == self.kind else since


@dataclass(frozen=True)
class _Found:
    """A row of the timeline, and where it stands."""

    position: Position
    kind: EntryKind
    row: Model


@dataclass(frozen=True)
class Wanted:
    """What of a timeline is asked for: entries of one kind, with a text, of some choices."""

    only: str = ""
    text: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_searched(self) -> bool:
        """Whether rows have to be looked at to know whether they are asked for."""
        return bool(self.text or self.choices)

    @property
    def shows_sessions(self) -> bool:
        return not self.is_searched and self.only in ("", "activities")

    def takes(self, kind: EntryKind) -> bool:
        return (
            self.only in ("", kind.name)
            and (not self.text or kind.search is not None)
            and all(name in kind.narrow for name in self.choices)
        )

    def of(self, kind: EntryKind, rows: QuerySet, user: AnyUser) -> QuerySet:
        """Those of `rows` that are asked for."""
        for name, value in self.choices.items():
            rows = kind.narrow[name](rows, value)
        if self.text and kind.search is not None:
            rows = kind.search(rows, self.text, user)
        return rows


@dataclass(frozen=True)
class Page:
    """Some entries of a timeline, by day, and what leads to older ones.

    If a search has ended before the beginning of the timeline, `looked_until` says where. If a
    session goes on with the next page, `is_within_session`.
    """

    days: list[tuple[date, list[tuple[EntryKind, datetime, Entry]]]]
    count: int
    older: Position | None
    looked_until: datetime | None = None
    is_within_session: bool = False


_kinds: list[EntryKind] = []


def register_entries(kind: EntryKind) -> None:
    """Add entries to the timeline of every contact."""
    _kinds.append(kind)
    _kinds.sort(key=lambda one: one.position)


def kinds_for(user: AnyUser) -> list[EntryKind]:
    """The kinds of entries that this user may see, in order."""
    return [kind for kind in _kinds if kind.may_see(user)]


def searching(*fields: str) -> Callable[[QuerySet, str, AnyUser], QuerySet]:
    """A `search` in these fields of the rows, or of rows that they lead to."""

    def search(rows: QuerySet, text: str, user: AnyUser) -> QuerySet:
        found = (Q(**{f"{name}__icontains": text}) for name in fields)
        return rows.filter(reduce(or_, found))

    return search


def read_page(
    contact: Contact,
    user: AnyUser,
    *,
    only: str = "",
    after: Position | None = None,
    text: str = "",
    choices: Mapping[str, str] | None = None,
    within_session: bool = False,
) -> Page:
    """The newest entries, or the next ones `after` a position, in a constant number of queries.

    `only` is the name of a kind. Every page costs what the first does. So does a search by `text`
    or `choices`: it looks at LOOKED rows of each kind at most, and goes on with the next page.
    """
    wanted = Wanted(only, text, choices or {})
    sources = [
        (kind, rows)
        for kind in kinds_for(user)
        if wanted.takes(kind)
        for rows in kind.rows(contact, user)
    ]
    until = _end_of_search(sources, after) if wanted.is_searched else None
    found = sorted(
        (
            one
            for kind, rows in sources
            for one in _next_rows(kind, wanted.of(kind, rows, user), after, until)
        ),
        key=lambda one: one.position.sort_key,
    )
    times = [one.position.at if one.kind.in_sessions else None for one in found]
    if not wanted.shows_sessions:
        times = [None] * len(found)
    count, goes_on = end_of_page(times, PER_PAGE)
    entries = _described(contact, user, found[:count])
    entries = _with_sessions(entries, times[:count], goes_on=goes_on, continued=within_session)
    is_more = len(found) > count
    return Page(
        days=[(day, list(of_day)) for day, of_day in groupby(entries, _day)],
        count=count,
        older=found[count - 1].position if is_more else until,
        looked_until=until.at if until and not is_more else None,
        is_within_session=goes_on,
    )


def query_of(
    *,
    only: str = "",
    after: Position | None = None,
    text: str = "",
    choices: Mapping[str, str] | None = None,
    within_session: bool = False,
) -> str:
    """The query by which an address leads to a page of a timeline."""
    given = {
        "kind": only,
        **(choices or {}),
        "find": text,
        "before": after,
        "within": "session" if within_session else "",
    }
    return urlencode({name: value for name, value in given.items() if value})


def _end_of_search(
    sources: Sequence[tuple[EntryKind, QuerySet]], after: Position | None
) -> Position | None:
    """How far a search looks: until LOOKED rows of one of the sources; None if to the end."""
    ends = []
    for kind, rows in sources:
        ordered = rows.filter(after.after(kind) if after else Q()).order_by(f"-{kind.at}", "-pk")
        last = ordered.values_list(kind.at, "pk")[LOOKED - 1 : LOOKED]
        ends += [Position(at, kind.name, pk) for at, pk in last]
    return min(ends, key=lambda end: end.sort_key, default=None)


def _next_rows(
    kind: EntryKind, rows: QuerySet, after: Position | None, until: Position | None
) -> Iterable[_Found]:
    condition = after.after(kind) if after else Q()
    if until:
        condition &= until.until(kind)
    for row in rows.filter(condition).order_by(f"-{kind.at}", "-pk")[: PER_PAGE + 1]:
        yield _Found(kind.position_of(row), kind, row)


def _described(
    contact: Contact, user: AnyUser, found: Sequence[_Found]
) -> list[tuple[EntryKind, datetime, Entry]]:
    """The entries of these rows: those of a kind are described together."""
    entries: dict[Position, Entry] = {}
    for kind in {one.kind.name: one.kind for one in found}.values():
        mine = [one for one in found if one.kind is kind]
        described = kind.describe(contact, [one.row for one in mine], user)
        entries |= dict(zip((one.position for one in mine), described, strict=True))
    return [(one.kind, one.position.at, entries[one.position]) for one in found]


def _with_sessions(
    entries: list[tuple[EntryKind, datetime, Entry]],
    times: Sequence[datetime | None],
    *,
    goes_on: bool,
    continued: bool,
) -> list[tuple[EntryKind, datetime, Entry]]:
    """The same entries; those of a session say so, and the first of each has its head."""
    ranges = list(ranges_of(times))
    for number, (first, last) in enumerate(ranges):
        within = [
            (at, entry.visit) for kind, at, entry in entries[first : last + 1] if kind.in_sessions
        ]
        session = session_of(
            within,
            goes_on=goes_on and number == len(ranges) - 1,
            is_continued=continued and number == 0,
        )
        for index in range(first, last + 1):
            kind, at, entry = entries[index]
            head = session if index == first else None
            entries[index] = (kind, at, replace(entry, in_session=True, session=head))
    return entries


def _day(shown: tuple[EntryKind, datetime, Entry]) -> date:
    return timezone.localtime(shown[1]).date()
