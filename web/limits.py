"""How often something may happen, counted for all processes together in the cache."""

import time

from django.core.cache import cache


def is_within(limit: int, *, seconds: int, bucket: str) -> bool:
    """Count one more of `bucket`, and tell whether these are at most `limit` in that time.

    Time is cut into pieces of so many seconds, and each piece is counted by itself.
    """
    counter = f"{bucket}:{int(time.time() // seconds)}"
    cache.add(counter, 0, timeout=seconds)
    try:
        count = cache.incr(counter)
    except ValueError:  # it ran out between the two lines
        return True
    # Django's cache of files would forget it after five minutes otherwise.
    cache.touch(counter, timeout=seconds)
    return count <= limit
