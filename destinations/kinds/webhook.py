"""Webhooks: one signed request for each message, in the format of Standard Webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone
from yarl import URL

from destinations.addresses import LONGEST
from destinations.flattening import flatten
from destinations.headers import secret_headers
from destinations.http import Client, Request
from destinations.kinds.answers import outcome_of
from destinations.kinds.base import DestinationKind
from destinations.kinds.batches import as_bytes
from destinations.mapping import apply_mapping
from destinations.messages import Message
from destinations.outcomes import Outcome, Result
from destinations.signing import signed_headers

if TYPE_CHECKING:
    from destinations.models import Delivery, Destination

# Receivers need not take more, says Standard Webhooks.
MOST_BYTES = 20_000


class Webhook(DestinationKind):
    """A signed request for each message, whose body users may draw."""

    type = "webhook"
    has_mapping = True

    def lacks(self, destination: Destination) -> str:
        if not destination.secret:
            return (
                "The secret that signs messages is missing, or was set under another SECRET_KEY. "
                "Make a new one by “Rotate secret”."
            )
        return ""

    def payload(self, destination: Destination, message: Message) -> dict[str, Any]:
        if destination.mapping is None:
            return message.as_json()
        return apply_mapping(destination.mapping, message)

    def why_not(self, payload: Mapping[str, Any], occurred_at: datetime, now: datetime) -> str:
        size = len(as_bytes(payload))
        if size <= MOST_BYTES:
            return ""
        return (
            f"The message has {size:,} bytes, and a webhook takes {MOST_BYTES:,} at most. Draw a "
            "mapping that leaves something out, or choose fewer fields of contacts."
        )

    def erasure(self, destination: Destination, message: Message) -> dict[str, Any]:
        # Never by the mapping, which may leave out what tells a request to delete from a message.
        return message.as_json()

    async def send(
        self, destination: Destination, deliveries: Sequence[Delivery], client: Client
    ) -> dict[UUID, Outcome]:
        return {
            one.message_id: await self._send_one(destination, one, client) for one in deliveries
        }

    async def _send_one(
        self, destination: Destination, delivery: Delivery, client: Client
    ) -> Outcome:
        request = request_for(destination, delivery, timezone.now())
        if destination.method == "GET" and len(request.url) > LONGEST:
            error = (
                f"With the message, the address has {len(request.url):,} characters, and it can "
                f"have {LONGEST:,}. Choose the method POST, or draw a mapping that leaves "
                "something out."
            )
            return Outcome(Result.REFUSED, error=error)
        answer = await client.ask(request)
        return outcome_of(answer, _secrets(destination))


def request_for(destination: Destination, delivery: Delivery, at: datetime) -> Request:
    """The request for one delivery. With GET the message is the query, and that is signed."""
    url, body = destination.url, as_bytes(delivery.payload)
    signed = body
    if destination.method == "GET":
        url = with_query(url, delivery.payload or {})
        signed = URL(url, encoded=True).raw_query_string.encode()
    headers = {"Content-Type": "application/json", "User-Agent": "Throughline"}
    if destination.method == "GET":
        del headers["Content-Type"]
    own = {name.lower() for name in destination.headers}
    return Request(
        destination.method,
        url,
        {
            **{name: value for name, value in headers.items() if name.lower() not in own},
            **destination.headers,
            **signed_headers(destination, delivery.message_id, signed, at),
        },
        None if destination.method == "GET" else body,
    )


def with_query(url: str, payload: Mapping[str, Any]) -> str:
    """An address with the message in its query, what is inside of objects as `contact_email`."""
    pairs = [(name, _as_text(value)) for name, value in flatten(payload).items()]
    return str(URL(url).extend_query(pairs))


def _secrets(destination: Destination) -> list[str]:
    return [destination.headers[name] for name in secret_headers(destination.headers)]


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
