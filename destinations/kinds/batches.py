"""Deliveries that go out together: what can go at all, and in how many requests."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from destinations.models import Delivery

# Answers to a whole request that one of its messages alone may be the reason for.
_OF_ONE_MESSAGE = (400, 413, 422)
# So many times smaller is the next request.
_SMALLER = 8


def as_bytes(value: object) -> bytes:
    """JSON without spaces, in UTF-8; the same bytes for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def in_requests(
    deliveries: Iterable["Delivery"], *, most: int, most_bytes: int
) -> Iterator[Sequence["Delivery"]]:
    """Deliveries in batches of at most so many and so large.

    Those whose last attempt had the whole request refused go apart from the others, in batches that
    get smaller with each attempt: one of them may be the reason, and is alone in the end.
    """
    by_size: dict[int, list[Delivery]] = {}
    for delivery in deliveries:
        size = most
        if delivery.answer_status in _OF_ONE_MESSAGE:
            size = max(most // _SMALLER ** max(delivery.attempts - 1, 1), 1)
        by_size.setdefault(size, []).append(delivery)
    for size, some in by_size.items():
        yield from _batches(some, size, most_bytes)


def _batches(
    deliveries: Iterable["Delivery"], most: int, most_bytes: int
) -> Iterator[Sequence["Delivery"]]:
    batch: list[Delivery] = []
    bytes_of_batch = 0
    for delivery in deliveries:
        more = len(as_bytes(delivery.payload)) + 1
        if batch and (len(batch) >= most or bytes_of_batch + more > most_bytes):
            yield batch
            batch, bytes_of_batch = [], 0
        batch.append(delivery)
        bytes_of_batch += more
    if batch:
        yield batch
