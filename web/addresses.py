"""Where a request came from."""

from django.conf import settings


def client_address(forwarded_for: str, peer: str) -> str:
    """The address of a client, behind as many proxies as PROXY_COUNT says; `peer` is connected.

    Every proxy adds the address that it was called from to X-Forwarded-For. What stands further to
    the left was written by the client, and could be anything.
    """
    forwarded = forwarded_for.split(",")
    if 0 < settings.PROXY_COUNT <= len(forwarded):
        return forwarded[-settings.PROXY_COUNT].strip()
    return peer
