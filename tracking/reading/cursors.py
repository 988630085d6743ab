"""Cursors: where a page of the read API ended, as a text that only the hub can write."""

import base64
import binascii
from typing import Any

import msgspec
from django.utils.crypto import constant_time_compare, salted_hmac

from web.problems import Problem

_SIGNED_BYTES = 12


def write_cursor(scope: str, position: list[Any]) -> str:
    """The cursor that leads on from `position`; `scope` says of which question it is a page."""
    said = msgspec.json.encode(position)
    return _as_text(_signature(scope, said) + said)


def read_cursor(scope: str, cursor: str) -> list[Any]:
    """The position that `write_cursor` was given.

    :raises Problem: 400, if the cursor was made by another program or for another question
    """
    try:
        given = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _bad_cursor() from None
    said = given[_SIGNED_BYTES:]
    if _as_text(given) != cursor or not constant_time_compare(
        given[:_SIGNED_BYTES], _signature(scope, said)
    ):
        raise _bad_cursor()
    return msgspec.json.decode(said)


def _as_text(given: bytes) -> str:
    return base64.urlsafe_b64encode(given).decode().rstrip("=")


def _signature(scope: str, said: bytes) -> bytes:
    named = b"%s:%s" % (scope.encode(), said)
    return salted_hmac("tracking.reading", named, algorithm="sha256").digest()[:_SIGNED_BYTES]


def _bad_cursor() -> Problem:
    detail = (
        "This is no cursor of the hub for this question. Send the “next” of the page before, with "
        "the other parameters as they were; for the first page, send none."
    )
    return Problem(400, "bad_cursor", detail, field="cursor")
