"""The people of a period: how many there were, and who."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from pyroaring import BitMap64

from adminsite.periods import Bucket, Period, Span
from figures import people
from figures.people import Seen, union_of

_time = attrgetter("at")


@dataclass(frozen=True)
class People:
    """Who was here in a span of time. One quarter of an hour, or hour, stands for all of it."""

    seen: BitMap64
    new: BitMap64

    @property
    def returning(self) -> BitMap64:
        """Those who had been here before."""
        return self.seen - self.new

    @cached_property
    def known(self) -> BitMap64:
        """Those with an email or a name; one query."""
        return people.named_among(self.seen)

    def of_kind(self, kind: str) -> BitMap64:
        """The people that a figure counts: `seen`, `new`, `returning` or `known`."""
        return getattr(self, kind)


KINDS = ("seen", "new", "returning", "known")


class PeopleOverTime:
    """The people of a period, of each of its hours or days, and of the period before; one query."""

    def __init__(self, period: Period):
        self.period = period
        self._rows = list(people.read_seen(period.before.since, period.until))

    @cached_property
    def by_bucket(self) -> list[tuple[Bucket, People]]:
        """The people of each hour or day."""
        return [(bucket, _people_in(self._rows, bucket)) for bucket in self.period.buckets]

    @cached_property
    def now(self) -> People:
        """The people of the period."""
        found = [people for _, people in self.by_bucket]
        return People(union_of(one.seen for one in found), union_of(one.new for one in found))

    @cached_property
    def before(self) -> People:
        """Those of the period before."""
        return _people_in(self._rows, self.period.before)


def people_of(period: Period) -> People:
    """The people of a period; one query."""
    return _people_in(list(people.read_seen(period.since, period.until)), period)


def _people_in(rows: list[Seen], span: Span) -> People:
    """Those of `rows`, which are in the order of time, that are in the span."""
    first = bisect_left(rows, span.since, key=_time)
    found = rows[first : bisect_left(rows, span.until, lo=first, key=_time)]
    return People(union_of(row.seen for row in found), union_of(row.new for row in found))
