"""Which deliveries go out together with one request."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from destinations.kinds import DestinationKind, kind_of
from destinations.models import Delivery, Destination


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries that go out with one request, to a destination as it is set up now."""

    destination: Destination
    kind: DestinationKind
    deliveries: Sequence[Delivery]


def batches_of(
    destination: Destination, deliveries: Sequence[Delivery], *, one_by_one: bool = False
) -> list[Batch]:
    """The deliveries in their order, as many together as their kind sends with one request."""
    kind = kind_of(destination)
    if one_by_one or kind.most_at_once == 1:
        return [Batch(destination, kind, [one]) for one in deliveries]
    parts = _parts(deliveries, most=kind.most_at_once, most_bytes=kind.most_bytes)
    return [Batch(destination, kind, some) for some in parts]


def _parts(
    deliveries: Sequence[Delivery], *, most: int, most_bytes: int
) -> Iterator[list[Delivery]]:
    part: list[Delivery] = []
    size = 0
    for one in deliveries:
        # Two more for what separates it from the next one.
        length = len(json.dumps(one.payload)) + 2
        if part and (len(part) == most or size + length > most_bytes):
            yield part
            part, size = [], 0
        part.append(one)
        size += length
    if part:
        yield part
