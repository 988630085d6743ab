"""How many requests a channel may make within a second, where the operator has set a limit."""

from django.conf import settings

from channels.models import Channel
from web.limits import is_within
from web.problems import Problem

_RETRY_AFTER_SECONDS = 1


def count_request(channel: Channel) -> None:
    """Count one more request of `channel` in this second.

    :raises Problem: 429, if these are more than ACTIVECAMPAIGN_REQUESTS_PER_SECOND
    """
    limit = settings.ACTIVECAMPAIGN_REQUESTS_PER_SECOND
    if not limit:
        return
    bucket = f"activecampaign-requests:{channel.pk}"
    if is_within(limit, seconds=_RETRY_AFTER_SECONDS, bucket=bucket):
        return
    raise Problem(
        429,
        "too_many_requests",
        f"This account may make {limit:,} requests in a second.",
        headers={
            "Retry-After": str(_RETRY_AFTER_SECONDS),
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": "0",
        },
    )
