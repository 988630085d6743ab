"""The format of Segment's HTTP API, which many systems take: batches of calls.

Activities, entries, exits, answers to consents and steps of automations are `track` calls, changes
of contacts `identify`. There are no `group` calls: a group there is the company that pays.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from destinations.http import Client, Request
from destinations.kinds.answers import outcome_of
from destinations.kinds.base import DestinationKind, Option
from destinations.kinds.batches import as_bytes, in_requests
from destinations.kinds.events import fields_of, is_activity, name_of, properties_of
from destinations.messages import Message
from destinations.outcomes import Outcome

if TYPE_CHECKING:
    from destinations.models import Delivery, Destination

MOST_BYTES_OF_CALL = 32_000
# 500 KB, with room for what is around the calls.
_MOST_BYTES = 490_000
_MOST_CALLS = 500
# What their specification calls the fields of a contact; the others keep their names.
_TRAITS = {
    "first_name": "firstName",
    "last_name": "lastName",
    "mobile_phone": "phone",
    "job_title": "title",
}
_ADDRESS = {
    "address1": "street",
    "city": "city",
    "state": "state",
    "zip": "postalCode",
    "country": "country",
}


class Segment(DestinationKind):
    """Batches of `track` and `identify` calls."""

    type = "segment"
    default_url = "https://api.segment.io/v1/batch"
    most_at_once = _MOST_CALLS
    most_bytes = _MOST_BYTES
    options = (
        Option(
            "write_key", "write key", "The key of the source that takes the calls.", is_secret=True
        ),
        Option(
            "project",
            "project",
            "A name for the hub, which each call carries as context.app.name.",
            is_required=False,
        ),
    )

    def payload(self, destination: Destination, message: Message) -> dict[str, Any]:
        traits = _traits(destination, message)
        context: dict[str, Any] = {"library": {"name": "throughline"}}
        if project := destination.options.get("project"):
            context["app"] = {"name": project}
        call: dict[str, Any] = {
            "type": "track",
            "messageId": str(message.message_id),
            "timestamp": message.at.isoformat(),
            "context": context,
        }
        if guid := message.contact.get("guid"):
            call["userId"] = guid
        else:
            call["anonymousId"] = str(message.message_id)
        if message.type == "contact":
            return call | {"type": "identify", "traits": traits}
        if traits:
            context["traits"] = traits
        page = {
            name: message.data[member]
            for name, member in (("url", "url"), ("referrer", "referrer"), ("title", "title"))
            if is_activity(message) and message.data.get(member)
        }
        if page:
            context["page"] = page
        if message.type == "consent":
            context["consent"] = {"categoryPreferences": _preferences(message.data)}
        return call | {"event": name_of(message), "properties": properties_of(message)}

    def why_not(self, payload: Mapping[str, Any], occurred_at: datetime, now: datetime) -> str:
        size = len(as_bytes(payload))
        if size <= MOST_BYTES_OF_CALL:
            return ""
        return (
            f"The call has {size:,} bytes, and this format takes {MOST_BYTES_OF_CALL:,} at most. "
            "Choose fewer fields of contacts, or send less with the activity."
        )

    async def send(
        self, destination: Destination, deliveries: Sequence[Delivery], client: Client
    ) -> dict[UUID, Outcome]:
        batches = list(in_requests(deliveries, most=_MOST_CALLS, most_bytes=_MOST_BYTES))
        found = await asyncio.gather(*(_send(destination, batch, client) for batch in batches))
        outcomes: dict[UUID, Outcome] = {}
        for batch, outcome in zip(batches, found, strict=True):
            outcomes |= dict.fromkeys((one.message_id for one in batch), outcome)
        return outcomes


async def _send(destination: Destination, batch: Sequence[Delivery], client: Client) -> Outcome:
    key = base64.b64encode(f"{destination.credentials['write_key']}:".encode()).decode()
    body = {"batch": [one.payload for one in batch], "sentAt": timezone.now().isoformat()}
    headers = {
        "Authorization": f"Basic {key}",
        "Content-Type": "application/json",
        "User-Agent": "Throughline",
    }
    answer = await client.ask(Request("POST", destination.url, headers, as_bytes(body)))
    return outcome_of(answer, [destination.credentials["write_key"], key])


def _preferences(data: Mapping[str, Any]) -> dict[str, bool]:
    if isinstance(data.get("agreed"), bool) and data.get("consent"):
        return {str(data["consent"]): data["agreed"]}
    return {}


def _traits(destination: Destination, message: Message) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    if email := message.contact.get("email"):
        # A hash is no email: systems would write to it.
        is_hash = destination.email == type(destination).Email.SHA256
        traits["email_sha256" if is_hash else "email"] = email
    address: dict[str, Any] = {}
    for name, value in fields_of(message).items():
        if name in _ADDRESS:
            address[_ADDRESS[name]] = value
        elif name == "company_name":
            traits["company"] = {"name": value}
        else:
            traits[_TRAITS.get(name, name)] = value
    return traits | ({"address": address} if address else {})
