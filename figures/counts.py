"""How often things happened: adding to the counts, reading them, and keeping them few."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from adminsite.periods import Period, Span
from database.cursors import array_of
from figures.models import Count
from figures.times import KEPT_DAYS, Times, moment_of, start_of_quarters

type Key = tuple[str, int, str]

# What anybody on the internet may make up: of such, an hour or a quarter has so many keys.
_FREE = (Count.Kind.PAGE, Count.Kind.REFERRER, Count.Kind.CAMPAIGN)
_MOST_OF_A_QUARTER = 200
_MOST_OF_AN_HOUR = 30
# What is folded each time: usually of one hour, and more if no worker has run for some days.
_FOLDED = timedelta(days=8)

_ADD = """
INSERT INTO figures_count AS old (kind, at, key, count)
SELECT kind, to_timestamp(at), key, count
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[]) AS given (kind, at, key, count)
ORDER BY kind, at, key
ON CONFLICT (kind, at, key) DO UPDATE SET count = old.count + excluded.count
"""

# Quarters become hours, which are left alone from then on. Those of free texts keep the most
# frequent keys.
_FOLD = """
WITH old AS (
    DELETE FROM figures_count WHERE kind = %(kind)s AND at >= %(since)s AND at < %(until)s
    AND date_trunc('hour', at, 'UTC') IN (
        SELECT date_trunc('hour', at, 'UTC') FROM figures_count
        WHERE kind = %(kind)s AND at >= %(since)s AND at < %(until)s
        AND at <> date_trunc('hour', at, 'UTC')
    )
    RETURNING at, key, count
), hourly AS (
    SELECT date_trunc('hour', at, 'UTC') AS at, key, sum(count) AS count FROM old GROUP BY 1, 2
), ranked AS (
    SELECT at, count, CASE
        WHEN row_number() OVER (PARTITION BY at, key = '' ORDER BY count DESC, key) <= %(most)s
        THEN key ELSE ''
    END AS key FROM hourly
)
INSERT INTO figures_count (kind, at, key, count)
SELECT %(kind)s, at, key, sum(count) FROM ranked GROUP BY at, key
"""

_SUMS = """
SELECT key,
    coalesce(sum(count) FILTER (WHERE at >= %(since)s AND at < %(until)s), 0),
    coalesce(sum(count) FILTER (WHERE at >= %(before)s AND at < %(before_until)s), 0)
FROM figures_count
WHERE kind = %(kind)s AND at >= %(before)s AND at < %(until)s
GROUP BY key
"""


class Sum(NamedTuple):
    """How often something happened in a period, and in the one before."""

    now: int
    before: int


def add_counts(counts: Mapping[Key, int]) -> None:
    """Add to what was counted: so many by kind, second and key; the caller holds the reader."""
    counts = _without_rare(counts)
    if not counts:
        return
    kinds, seconds, names = zip(*counts, strict=True)
    numbers = array_of(counts.values())
    given: list[Any] = [list(map(str, kinds)), array_of(seconds), list(names), numbers]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, given)


def sums_of(kind: Count.Kind, period: Period) -> dict[str, Sum]:
    """How often each key of a kind was counted in a period and before; one query."""
    before = {"before": period.before.since, "before_until": period.before.until}
    span = {"since": period.since, "until": period.until}
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, {"kind": kind.value, **before, **span})
        return {key: Sum(int(now), int(before)) for key, now, before in cursor}


def counts_over_time(kind: Count.Kind, span: Span) -> list[tuple[datetime, str, int]]:
    """When and how often each key of a kind was counted in a span; one query."""
    rows = Count.objects.filter(kind=kind, at__gte=span.since, at__lt=span.until)
    return list(rows.values_list("at", "key", "count"))


def last_counted(kind: Count.Kind, since: datetime) -> dict[str, datetime]:
    """When each key of a kind was last counted since then, to the quarter of an hour; one query."""
    rows = Count.objects.filter(kind=kind, at__gte=since).values("key").order_by()
    return dict(rows.annotate(last=Max("at")).values_list("key", "last"))


def fold_counts(now: datetime | None = None) -> None:
    """Keep what has become older than some days by the hour; the caller holds the reader."""
    until = start_of_quarters(now or timezone.now())
    with connection.cursor() as cursor:
        for kind in Count.Kind.values:
            most = _MOST_OF_AN_HOUR if kind in _FREE else 2**31
            span = {"since": until - _FOLDED, "until": until}
            cursor.execute(_FOLD, {"kind": kind, "most": most, **span})


def forget_counts(now: datetime | None = None) -> int:
    """Delete what is older than counts are kept; the number of rows."""
    before = (now or timezone.now()) - timedelta(days=KEPT_DAYS)
    # By kind, as the index has them.
    old = (Count.objects.filter(kind=kind, at__lt=before) for kind in Count.Kind.values)
    return sum(rows.delete()[0] for rows in old)


def _without_rare(counts: Mapping[Key, int]) -> Mapping[Key, int]:
    """The same, with free texts that have no row yet counted together where there are too many."""
    free = [key for key in counts if key[0] in _FREE]
    if not free:
        return counts
    known = _known_keys(free)
    times = Times(timezone.now())
    kept: Counter[Key] = Counter()
    for key in sorted(counts, key=lambda one: -counts[one]):
        kind, at, _ = key
        if kind in _FREE and key not in known[kind, at]:
            most = _MOST_OF_A_QUARTER if times.has_quarters(at) else _MOST_OF_AN_HOUR
            if len(known[kind, at]) >= most:
                kept[kind, at, ""] += counts[key]
                continue
            known[kind, at].add(key)
        kept[key] += counts[key]
    return kept


def _known_keys(keys: Iterable[Key]) -> dict[tuple[str, int], set[Key]]:
    known: dict[tuple[str, int], set[Key]] = defaultdict(set)
    times = [moment_of(at) for at in {at for _, at, _ in keys}]
    rows = Count.objects.filter(kind__in=_FREE, at__in=times).exclude(key="")
    for kind, at, key in rows.values_list("kind", "at", "key"):
        second = int(at.timestamp())
        known[kind, second].add((kind, second, key))
    return known
