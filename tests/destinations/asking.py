"""Asking a destination as workers do."""

from destinations.http import Client, Request
from tests.threads import run_in_loop


def ask(url, *, method="POST", headers=None, body=b"{}"):
    """The answer of this address."""
    return ask_all([Request(method, url, headers or {}, body)])[0]


def ask_all(requests):
    """The answers to these requests, one after the other by the same client."""

    async def ask_them():
        async with Client() as client:
            return [await client.ask(request) for request in requests]

    return run_in_loop(ask_them())
