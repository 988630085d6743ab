"""Who reads: the API key of a request, and how often it may ask."""

import time

from django.conf import settings

from channels.models import ApiKey
from tracking.headless.authentication import BearerKeyAuthentication
from web.limits import is_within
from web.problems import Problem

READ = "read"
_MINUTE = 60


class ReadKeyAuthentication(BearerKeyAuthentication):
    """`Authorization: Bearer <key>` with an enabled key for the read API."""

    access = READ
    opens = "the read API"


def check_limit(key: ApiKey) -> None:
    """Make sure that `key` has not asked too often in this minute.

    :raises Problem: 429, if it has
    """
    most = settings.READ_API_REQUESTS_PER_MINUTE
    # A hub that must not write cannot count.
    if not most or settings.READ_ONLY:
        return
    if not is_within(most, seconds=_MINUTE, bucket=f"tracking.reading:{key.pk}"):
        left = _MINUTE - int(time.time()) % _MINUTE
        raise Problem(
            429,
            "too_many_requests",
            f"This key may ask {most:,} times a minute. Go on in {left} seconds.",
            headers={"Retry-After": str(left)},
        )
