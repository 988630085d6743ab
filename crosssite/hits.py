"""Counting how the requests of browsers end, by the hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self
from urllib.parse import urlsplit

import msgspec
from django.utils import timezone

from channels.models import Channel
from crosssite.models import BrowserHits
from database.questions import Question, nothing

KEPT_FOR = timedelta(days=30)
# Anybody can make up origins: beyond so many in an hour they are counted together.
MOST_UNKNOWN_ORIGINS = 100
OTHER_ORIGINS = "others"


class Hit(msgspec.Struct, kw_only=True):
    """A request of a browser, or several of one kind, as the site doctor counts them."""

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
        """What is counted in one row."""
        return self.channel_id, self.origin, self.outcome, self.hour

    @classmethod
    def write_all(cls, hits: Sequence[Self]) -> Question[None]:
        """Adds `hits` to their counts, all in one statement and in one order of rows."""
        summed: dict[tuple, Hit] = {}
        for hit in hits:
            earlier = summed.get(hit.key)
            count = hit.count + (earlier.count if earlier else 0)
            summed[hit.key] = msgspec.structs.replace(hit, count=count)
        rows = [msgspec.structs.astuple(summed[key]) for key in sorted(summed)]
        return Question(
            "INSERT INTO crosssite_browserhits AS hits (channel_id, origin, outcome, hour, count,"
            " last_at, last_path, last_version) SELECT * FROM unnest(%s::bigint[], %s::text[],"
            " %s::text[], %s::timestamptz[], %s::bigint[], %s::timestamptz[], %s::text[],"
            " %s::text[])"
            " ON CONFLICT (channel_id, origin, outcome, hour) DO UPDATE SET"
            " count = hits.count + excluded.count, last_at = excluded.last_at,"
            " last_path = excluded.last_path, last_version = excluded.last_version",
            [list(column) for column in zip(*rows, strict=True)],
            nothing,
        )


def make_hit(
    channel: Channel,
    origin: str,
    outcome: BrowserHits.Outcome,
    *,
    page_url: str = "",
    version: str = "",
    times: int = 1,
) -> Hit:
    """One more request that ended as `outcome`; of the page `page_url` the path is kept."""
    now = timezone.now()
    return Hit(
        channel_id=channel.pk,
        origin=origin[:400],
        outcome=str(outcome.value),
        hour=now.replace(minute=0, second=0, microsecond=0),
        count=times,
        last_at=now,
        last_path=_path(page_url),
        last_version=version.replace("\0", "")[:20],
    )


def among_unknown_origins(hit: Hit) -> Hit:
    """`hit` of an origin that is not known, counted with others if there are very many of them."""
    unknown = BrowserHits.objects.filter(
        channel=hit.channel_id, outcome=hit.outcome, hour=hit.hour
    ).exclude(origin=hit.origin)
    if unknown.count() < MOST_UNKNOWN_ORIGINS:
        return hit
    return msgspec.structs.replace(hit, origin=OTHER_ORIGINS)


def forget_old_hits() -> None:
    """Delete the counts that are older than KEPT_FOR."""
    BrowserHits.objects.filter(hour__lt=timezone.now() - KEPT_FOR).delete()


def _path(page_url: str) -> str:
    try:
        return urlsplit(page_url).path.replace("\0", "")[:400]
    except ValueError:
        return ""
