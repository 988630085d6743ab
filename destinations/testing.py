"""A test message, sent at once, so that a user sees what a destination answers."""

import asyncio
import time
from dataclasses import dataclass
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from destinations.examples import example_message
from destinations.http import Client
from destinations.kinds.base import kind_of
from destinations.models import Delivery, Destination
from destinations.outcomes import Outcome, Result


@dataclass(frozen=True)
class Tested:
    """What came of a test.

    :ivar delivery: the message and what was answered, as it stands among the deliveries
    :ivar seconds: how long the destination took
    """

    delivery: Delivery
    seconds: float

    @property
    def is_delivered(self) -> bool:
        return self.delivery.status == Delivery.Status.DELIVERED


def send_test(destination: Destination) -> Tested:
    """Send an example to a saved destination now, and return what came of it.

    It is sent to a destination that is switched off, paused or in dry mode, too, for it is about
    nobody, and a user has asked for it. It is tried once, waits for no other delivery, and changes
    nothing about how the destination is doing. Takes as long as the destination does: 15 seconds
    for each request at most. Not for a thread that runs an event loop.

    :raises ValidationError: if the destination was deleted meanwhile
    """
    now = timezone.now()
    message, kind = example_message(destination), kind_of(destination)
    payload = kind.payload(destination, message)
    delivery = Delivery(
        destination=destination,
        message_id=message.message_id,
        kind=Delivery.Kind.TEST,
        source=f"test:{uuid4()}",
        payload=payload,
        occurred_at=message.at,
        created_at=now,
        due_at=now,
    )
    began = time.monotonic()
    if reason := kind.why_not(payload, message.at, now):
        outcome = Outcome(Result.REFUSED, error=reason)
    else:
        delivery.attempts, delivery.attempted_at = 1, now
        outcome = asyncio.run(_send(destination, delivery))
    seconds = time.monotonic() - began
    _note(delivery, outcome)
    # Only now, so that no worker takes it for one that waits.
    _save(delivery)
    return Tested(delivery, seconds)


@transaction.atomic
def _save(delivery: Delivery) -> None:
    """Keep it with its destination, which is locked, as it may be deleted at this moment."""
    held = Destination.objects.select_for_update(no_key=True).filter(pk=delivery.destination_id)
    if not held.exists():
        raise ValidationError("Another user has deleted this destination meanwhile.")
    delivery.save()


async def _send(destination: Destination, delivery: Delivery) -> Outcome:
    async with Client() as client:
        return await kind_of(destination).test(destination, delivery, client)


def _note(delivery: Delivery, outcome: Outcome) -> None:
    delivery.answer_status, delivery.answer = outcome.status, outcome.answer
    delivery.last_error = outcome.error
    if outcome.result is Result.DELIVERED:
        delivery.status, delivery.delivered_at = Delivery.Status.DELIVERED, timezone.now()
        return
    delivery.status = Delivery.Status.FAILED
    delivery.reason = outcome.error or "The test did not arrive."
