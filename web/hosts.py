"""Which hosts the hub answers on: its own, and those that rooms above add."""

from collections.abc import Awaitable, Callable
from functools import lru_cache

from django.conf import settings
from django.http.request import split_domain_port, validate_host

# A name may have 253 characters, and a port five.
_LONGEST = 259


def is_hub_host(host: str) -> bool:
    """Whether this `Host`, with or without a port, is one of the hub itself."""
    # What is longer is no name, and is not to be kept.
    return len(host) <= _LONGEST and _is_one_of(host, tuple(settings.HUB_HOSTS))


def also_allow(is_allowed: Callable[[str], Awaitable[bool]]) -> None:
    """Answer on the hosts, in lower case and with their port, that `is_allowed` knows."""
    _more.append(is_allowed)


async def is_known_host(host: str) -> bool:
    """Whether the hub answers requests for this host, in lower case."""
    return is_hub_host(host) or any([await is_allowed(host) for is_allowed in _more])


_more: list[Callable[[str], Awaitable[bool]]] = []


@lru_cache(maxsize=1_000)
def _is_one_of(host: str, allowed: tuple[str, ...]) -> bool:
    name, _ = split_domain_port(host)
    return bool(name) and validate_host(name, allowed)
