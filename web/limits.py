"""How often something may happen, counted for all processes together in the database."""

import time
from datetime import UTC, datetime
from uuid import UUID

from django.utils import timezone
from django.utils.crypto import salted_hmac

from database.questions import Question, ask
from web.models import LimitCount

# One statement counts and tells: nobody comes in between.
_COUNT = """
INSERT INTO web_limitcount AS known (key, count, ends_at) VALUES (%s, 1, %s)
ON CONFLICT (key) DO UPDATE SET count = known.count + 1
RETURNING count
"""


def is_within(limit: int, *, seconds: int, bucket: str) -> bool:
    """Count one more of `bucket`, and tell whether these are at most `limit` in that time.

    Time is cut into pieces of so many seconds, and each piece is counted by itself. Within a
    transaction the count is part of it, and others who count the same wait for its end.
    """
    piece = int(time.time() // seconds)
    ends_at = datetime.fromtimestamp((piece + 1) * seconds, UTC)
    key = _key(f"{bucket}:{piece}")
    (count,) = ask(Question(_COUNT, [key, ends_at], lambda rows: rows[0][0]))
    return count <= limit


def forget_old_counts() -> None:
    """Delete the counts of pieces of time that are over."""
    LimitCount.objects.filter(ends_at__lt=timezone.now()).delete()


def _key(bucket: str) -> UUID:
    return UUID(bytes=salted_hmac("web.limits", bucket, algorithm="sha256").digest()[:16])
