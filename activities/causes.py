"""Why things are refused: the latest lines of the inspector, counted by their cause."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from activities.problems import Status
from activities.replaying import Cause
from database.letter_case import fold

# So many of the latest lines are counted, and so many causes told.
COUNTED, TOLD = 50_000, 50
BARS = 24

_BY_CAUSE = """
SELECT door, channel_id, code, field, named, sum(number)::bigint, sum(mended)::bigint,
    min(first_at), max(last_at), max(example), array_agg(bar), array_agg(number), max(total)
FROM (
    SELECT *, sum(number) OVER () AS total FROM (
        SELECT door, channel_id, code, field, named, status = ANY(%(statuses)s) AS is_asked,
            least(width_bucket(extract(epoch FROM at), %(from)s, %(to)s, %(bars)s), %(bars)s)
                AS bar,
            count(*) AS number,
            count(*) FILTER (WHERE replayed IN ('recorded', 'repeated')) AS mended,
            min(at) AS first_at, max(at) AS last_at, max(id) AS example
        FROM (
            SELECT at, id, status, door, channel_id, code, field, named, replayed
            FROM activities_rejectedactivity WHERE at >= %(since)s
            ORDER BY at DESC, id DESC LIMIT %(most)s
        ) AS latest GROUP BY 1, 2, 3, 4, 5, 6, 7
    ) AS counted
) AS totalled
WHERE is_asked GROUP BY 1, 2, 3, 4, 5
ORDER BY sum(number - mended) DESC, 6 DESC, 9 DESC LIMIT %(told)s
"""


@dataclass(frozen=True)
class CountedCause:
    """How many lines have one cause, when they came, and one of them; `bars` is the trend.

    Of `number` lines, `mended` were let in since.
    """

    cause: Cause
    number: int
    mended: int
    first_at: datetime
    last_at: datetime
    example: int
    bars: Sequence[int]


@dataclass(frozen=True)
class Causes:
    """The causes with the most lines that were not let in.

    And whether there are more causes, or more lines to count.
    """

    rows: Sequence[CountedCause]
    is_more: bool
    is_cut: bool


def count_causes(ago: timedelta, statuses: Collection[Status]) -> Causes:
    """The causes of the lines of the last time with these statuses, in one query.

    What it costs does not grow with the table: no more than the latest lines are counted.
    """
    now = timezone.now()
    since = now - ago
    params: dict[str, Any] = {
        "since": since,
        "from": since.timestamp(),
        "to": now.timestamp(),
        "bars": BARS,
        "most": COUNTED,
        "statuses": [str(status) for status in statuses],
        "told": TOLD + 1,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # PostgreSQL expects as many groups as lines, and would sort these on the disk.
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'")
        cursor.execute(_BY_CAUSE, params)
        rows = cursor.fetchall()
    found = [_counted(row) for row in rows]
    return Causes(found[:TOLD], len(found) > TOLD, bool(rows) and rows[0][-1] == COUNTED)


def _counted(row: tuple) -> CountedCause:
    *cause, number, mended, first_at, last_at, example, places, numbers, _ = row
    bars = [0] * BARS
    for place, count in zip(places, numbers, strict=True):
        bars[max(place, 1) - 1] += count
    return CountedCause(Cause(*cause), number, mended, first_at, last_at, example, bars)


def similar_names(name: str, known: Mapping[str, str], most: int = 3) -> list[str]:
    """The code names among `known`, with what people call them, that may be meant by `name`.

    Letter case, what stands between words, and “custom” in front make no difference; beyond that,
    names are alike by the pairs of letters that they share.
    """
    key = _key(name)
    if not key:
        return []
    wanted = _pairs(key)
    scores: dict[str, float] = {}
    for code_name, title in known.items():
        likeness = max(_likeness(key, wanted, _key(one)) for one in (code_name, title))
        if likeness >= _ALIKE:
            scores[code_name] = likeness
    return sorted(scores, key=lambda one: (-scores[one], one))[:most]


_ALIKE = 0.55
_IN_FRONT = "custom"


def _key(name: str) -> str:
    letters = "".join(letter for letter in fold(name) if letter.isalnum())
    return letters.removeprefix(_IN_FRONT) or letters


def _pairs(key: str) -> set[str]:
    return {key[place : place + 2] for place in range(len(key) - 1)} or {key}


def _likeness(key: str, pairs: set[str], other: str) -> float:
    if key == other:
        return 1.0
    others = _pairs(other)
    return 2 * len(pairs & others) / (len(pairs) + len(others))
