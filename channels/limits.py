"""How often something may happen, counted for all processes together in the cache."""

from django.core.cache import cache


def is_within(limit: int, *, seconds: int, bucket: str) -> bool:
    """Count one more of `bucket`, and tell whether these are at most `limit` in that time."""
    cache.add(bucket, 0, timeout=seconds)
    try:
        return cache.incr(bucket) <= limit
    except ValueError:  # it ran out between the two lines
        return True
