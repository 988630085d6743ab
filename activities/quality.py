"""How good the activities of a source are: every one counts, by what became of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection
from django.utils import timezone

from activities.logs import ACTIVITIES
from activities.models import EventCount, RecordedCount
from activities.problems import Status
from activities.seen import MOST_UNREAD, SEEN
from database.cursors import array_of
from database.questions import Question, ask, nothing
from readers.positions import place_of

_SOUND = (Status.VALID,)
# What was left out on purpose says nothing about its source.
_JUDGED = (*_SOUND, Status.INVALID_ACCEPTED, Status.INVALID_REJECTED, Status.FAILED)
# From how many per cent on the weather is so good.
_WEATHER = ((100.0, "sunny"), (95.0, "cloudy"), (90.0, "rainy"), (0.0, "stormy"))

# Valid is what was recorded, without what was accepted with a remark.
_COUNTS = """
SELECT channel_id, status, sum(count) FROM (
    SELECT channel_id, hour, status, count FROM activities_eventcount
    WHERE channel_id = ANY(%s) AND hour >= %s
    UNION ALL
    SELECT channel_id, hour, 'valid', -count FROM activities_eventcount
    WHERE channel_id = ANY(%s) AND hour >= %s AND status = 'invalid_accepted'
    UNION ALL
    SELECT channel_id, hour, 'valid', count FROM activities_recordedcount
    WHERE channel_id = ANY(%s) AND hour >= %s
    UNION ALL
    SELECT channel_id, recorded_at, 'valid', 1 FROM (
        SELECT channel_id, recorded_at FROM activities_activity WHERE {unread} LIMIT %s
    ) AS unread
    WHERE channel_id = ANY(%s) AND recorded_at >= %s
) AS counted
GROUP BY 1, 2 HAVING sum(count) > 0
"""


class Quality(msgspec.Struct, frozen=True):
    """What became of the activities of one channel: how many there were of each status."""

    counts: Mapping[Status, int]

    @property
    def figure(self) -> float | None:
        """Per cent that were valid, cut to two decimals; None if there was nothing to judge."""
        judged = sum(self.counts.get(status, 0) for status in _JUDGED)
        sound = sum(self.counts.get(status, 0) for status in _SOUND)
        # Cut, not rounded: 100 means that there was no exception.
        return sound * 10_000 // judged / 100 if judged else None

    @property
    def weather(self) -> str:
        """`sunny` (100 %), `cloudy` (from 95), `rainy` (from 90) or `stormy`; "" if unknown."""
        figure = self.figure
        return "" if figure is None else next(name for low, name in _WEATHER if figure >= low)


def count_events(counts: Mapping[tuple[int, Status], int], at: datetime) -> None:
    """Add to what became of activities in the hour of `at`: so many per channel id and status."""
    if counts:
        ask(counting(counts, at))


def counting(counts: Mapping[tuple[int, Status], int], at: datetime) -> Question[None]:
    """What adds `counts`, of which there are some, to those of the hour of `at`."""
    # Each connection counts in rows of its own, as far as there are some: nobody waits for another
    # one's commit. Rows are taken in one order, so that two who share them never wait in a circle.
    keys = sorted(counts)
    return Question(
        "INSERT INTO activities_eventcount (channel_id, hour, status, slot, count)"
        " SELECT channel_id, date_trunc('hour', %s::timestamptz, 'UTC'), status,"
        " pg_backend_pid() %% 16, count"
        " FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS given (channel_id, status, count)"
        " ON CONFLICT (channel_id, hour, status, slot)"
        " DO UPDATE SET count = activities_eventcount.count + excluded.count",
        [
            at,
            array_of(channel_id for channel_id, _ in keys),
            [str(status) for _, status in keys],
            array_of(counts[key] for key in keys),
        ],
        nothing,
    )


def quality_of(channel_ids: Iterable[int], since: datetime) -> dict[int, Quality]:
    """The quality of each of these channels since then, to the hour, in three queries."""
    counts: dict[int, Counter[Status]] = {channel_id: Counter() for channel_id in channel_ids}
    unread, params = place_of(SEEN.name, ACTIVITIES).unread()
    given: list[Any] = [list(counts), since.replace(minute=0, second=0, microsecond=0)]
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTS.format(unread=unread), [*given, *given, *given, *params, MOST_UNREAD, *given]
        )
        for channel_id, status, total in cursor:
            counts[channel_id][Status(status)] = int(total)
    return {channel_id: Quality(counted) for channel_id, counted in counts.items()}


def forget_old_counts() -> int:
    """Delete what is older than rejections are kept, and return how many rows that were."""
    before = timezone.now() - timedelta(days=settings.REJECTED_KEPT_DAYS)
    return sum(
        model.objects.filter(hour__lt=before).delete()[0] for model in (EventCount, RecordedCount)
    )
