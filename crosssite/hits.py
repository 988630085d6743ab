"""Counting how the requests of browsers end, by the hour."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.db import connection
from django.utils import timezone

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
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crosssite_browserhits AS hits (channel_id, origin, outcome, hour, count,"
            " last_at, last_path, last_version) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (channel_id, origin, outcome, hour) DO UPDATE SET"
            " count = hits.count + excluded.count, last_at = excluded.last_at,"
            " last_path = excluded.last_path, last_version = excluded.last_version",
            [
                channel.pk,
                origin[:400],
                outcome,
                hour,
                times,
                now,
                _path(page_url),
                version.replace("\0", "")[:20],
            ],
        )


def forget_old_hits() -> None:
    """Delete the counts that are older than KEPT_FOR."""
    BrowserHits.objects.filter(hour__lt=timezone.now() - KEPT_FOR).delete()


def _path(page_url: str) -> str:
    try:
        return urlsplit(page_url).path.replace("\0", "")[:400]
    except ValueError:
        return ""
