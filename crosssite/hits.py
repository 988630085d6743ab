"""Counting how the requests of browsers end, by the hour."""

from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from django.db import connection, connections
from django.utils import timezone

from activities.group_commit import Busy, GroupCommit
from channels.models import Channel
from crosssite.models import BrowserHits

KEPT_FOR = timedelta(days=30)
# Anybody can make up origins: beyond so many in an hour they are counted together.
MOST_UNKNOWN_ORIGINS = 100
OTHER_ORIGINS = "others"


def count_hit(
    channel: Channel,
    origin: str,
    outcome: BrowserHits.Outcome,
    *,
    page_url: str = "",
    version: str = "",
    times: int = 1,
) -> None:
    """Count one more request of the page `page_url`, of which the path is kept, as `outcome`."""
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    if outcome == BrowserHits.Outcome.ORIGIN:
        unknown = BrowserHits.objects.filter(channel=channel, outcome=outcome, hour=hour)
        if unknown.exclude(origin=origin).count() >= MOST_UNKNOWN_ORIGINS:
            origin = OTHER_ORIGINS
    hit = _Hit(
        channel_id=channel.pk,
        origin=origin[:400],
        outcome=outcome.value,
        hour=hour,
        count=times,
        last_at=now,
        last_path=_path(page_url),
        last_version=version.replace("\0", "")[:20],
    )
    if connection.in_atomic_block:
        _write([hit])
        return
    # If the database does not keep up, what it is busy with counts more than this.
    with suppress(Busy):
        _commits.write(hit)


class _Hit(msgspec.Struct, kw_only=True):
    """One request, or several of one kind."""

    channel_id: int
    origin: str
    outcome: str
    hour: datetime
    count: int
    last_at: datetime
    last_path: str
    last_version: str

    @property
    def key(self) -> tuple[int, str, str, datetime]:
        return self.channel_id, self.origin, self.outcome, self.hour


def _write(hits: list[_Hit]) -> list[None]:
    """Add `hits` to their counts, all in one statement and in one order of rows."""
    summed: dict[tuple, _Hit] = {}
    for hit in hits:
        earlier = summed.get(hit.key)
        count = hit.count + (earlier.count if earlier else 0)
        summed[hit.key] = msgspec.structs.replace(hit, count=count)
    rows = [msgspec.structs.astuple(summed[key]) for key in sorted(summed)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crosssite_browserhits AS hits (channel_id, origin, outcome, hour, count,"
            " last_at, last_path, last_version) SELECT * FROM unnest(%s::bigint[], %s::text[],"
            " %s::text[], %s::timestamptz[], %s::bigint[], %s::timestamptz[], %s::text[],"
            " %s::text[])"
            " ON CONFLICT (channel_id, origin, outcome, hour) DO UPDATE SET"
            " count = hits.count + excluded.count, last_at = excluded.last_at,"
            " last_path = excluded.last_path, last_version = excluded.last_version",
            [list(column) for column in zip(*rows, strict=True)],
        )
    return [None] * len(hits)


# All visits of a website count in one row: each on its own would wait for the commit of another.
_commits = GroupCommit(
    _write,
    size_of=lambda hit: 1,
    is_undone=lambda error: connection.connection is not None,
    leave=connections.close_all,
    room=1_000,
    patience=1.0,
)


def forget_old_hits() -> None:
    """Delete the counts that are older than KEPT_FOR."""
    BrowserHits.objects.filter(hour__lt=timezone.now() - KEPT_FOR).delete()


def _path(page_url: str) -> str:
    try:
        return urlsplit(page_url).path.replace("\0", "")[:400]
    except ValueError:
        return ""
