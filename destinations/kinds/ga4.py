"""Google Analytics 4, by its Measurement Protocol.

A contact is known there by its GUID, as user and client. Its email, names, phones and street
address never go there, nor properties that are marked as personal data, whatever a destination is
set to: Google's terms forbid it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from yarl import URL

from destinations.http import Client, Request
from destinations.kinds.answers import outcome_of
from destinations.kinds.base import DestinationKind, Option
from destinations.kinds.batches import as_bytes, in_requests
from destinations.kinds.checks import InvalidDestination
from destinations.kinds.events import fields_of, is_activity, name_of, properties_of
from destinations.kinds.ga4_names import event_name, params_of, user_properties_of
from destinations.messages import Message
from destinations.outcomes import Outcome, Result

if TYPE_CHECKING:
    from destinations.models import Delivery, Destination

OLDEST = timedelta(hours=72)
_MOST_EVENTS = 25
_MOST_BYTES = 120_000
_MEASUREMENT_ID = re.compile(r"G-[A-Z0-9]{4,20}")
_FIELDS = ("country", "state", "city", "company_name", "job_title")
# Members of an activity by the names of Google's parameters.
_PARAMS = {"url": "page_location", "referrer": "page_referrer", "title": "page_title"}


class GoogleAnalytics(DestinationKind):
    """Events of the Measurement Protocol."""

    type = "ga4"
    default_url = "https://www.google-analytics.com/mp/collect"
    takes_personal = False
    most_at_once = _MOST_EVENTS
    most_bytes = _MOST_BYTES
    options = (
        Option(
            "measurement_id", "measurement ID", "It is that of the stream, such as G-ABC1234567."
        ),
        Option(
            "api_secret",
            "API secret",
            "One of the Measurement Protocol API secrets of the stream.",
            is_secret=True,
        ),
    )

    def check(self, destination: Destination) -> None:
        super().check(destination)
        if not _MEASUREMENT_ID.fullmatch(destination.options["measurement_id"]):
            raise InvalidDestination(
                "options", "A measurement ID is like G-ABC1234567.", "measurement_id"
            )

    def payload(self, destination: Destination, message: Message) -> dict[str, Any]:
        known = str(message.contact.get("guid") or message.message_id)
        fields = {name: one for name, one in fields_of(message).items() if name in _FIELDS}
        body: dict[str, Any] = {"client_id": known}
        if message.contact.get("guid"):
            body["user_id"] = known
        if properties := user_properties_of(fields):
            body["user_properties"] = properties
        event = {
            "name": event_name(name_of(message).replace(" ", "_")),
            "params": params_of(_given(message)),
            "timestamp_micros": int(message.at.timestamp() * 1_000_000),
        }
        return body | {"event": event}

    def why_not(self, payload: Mapping[str, Any], occurred_at: datetime, now: datetime) -> str:
        if now - occurred_at <= OLDEST:
            return ""
        return "Google Analytics takes events of the last 72 hours, and this one is older."

    async def send(
        self, destination: Destination, deliveries: Sequence[Delivery], client: Client
    ) -> dict[UUID, Outcome]:
        batches = list(_by_client(deliveries))
        requests = [_request(destination, destination.url, batch) for batch in batches]
        answers = await asyncio.gather(*(client.ask(one) for one in requests))
        outcomes: dict[UUID, Outcome] = {}
        for batch, answer in zip(batches, answers, strict=True):
            outcome = outcome_of(answer, destination.credentials.values())
            outcomes |= dict.fromkeys((one.message_id for one in batch), outcome)
        return outcomes

    async def test(self, destination: Destination, delivery: Delivery, client: Client) -> Outcome:
        """Have Google validate the event: what takes events answers 204 to anything.

        It says nothing about measurement ID and API secret, and records nothing.
        """
        if lack := self.lacks(destination):
            return Outcome(Result.FAILED, error=lack)
        url = re.sub(r"(?<!/debug)/mp/collect\Z", "/debug/mp/collect", destination.url)
        strictly = {"validation_behavior": "ENFORCE_RECOMMENDATIONS"}
        answer = await client.ask(_request(destination, url, [delivery], strictly))
        outcome = outcome_of(answer, destination.credentials.values())
        if outcome.result == Result.DELIVERED and (mistakes := _mistakes(outcome.answer)):
            return Outcome(Result.FAILED, answer.status, outcome.answer, mistakes)
        return outcome


def _given(message: Message) -> dict[str, Any]:
    """What is told, what matters most first: an event has only so many parameters."""
    # Without it the event is in no report of what happens right now.
    first: dict[str, Any] = {"engagement_time_msec": 1}
    rest = properties_of(message)
    if is_activity(message):
        for member, name in _PARAMS.items():
            if message.data.get(member):
                rest.pop(member, None)
                first[name] = message.data[member]
        first |= _number(rest.pop("value", None))
    else:
        # What a contact was called before and after is personal.
        changed = rest.pop("after", None)
        rest.pop("before", None)
        if isinstance(changed, Mapping):
            first["changed"] = ", ".join(changed)
    return {**first, **rest}


def _number(value: Any) -> dict[str, Any]:
    """The value of an activity: for Google a value is an amount, so texts have another name."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return {"activity_value": value}
    return {"value": number} if abs(number) < 1e15 else {"activity_value": str(value)}


def _by_client(deliveries: Iterable[Delivery]) -> Iterator[Sequence[Delivery]]:
    """Deliveries in requests: one has events of one client, with the same properties."""
    groups: dict[str, list[Delivery]] = {}
    for one in deliveries:
        payload = one.payload or {}
        about = {name: value for name, value in payload.items() if name != "event"}
        groups.setdefault(json.dumps(about, sort_keys=True), []).append(one)
    for group in groups.values():
        yield from in_requests(group, most=_MOST_EVENTS, most_bytes=_MOST_BYTES)


def _request(
    destination: Destination,
    url: str,
    batch: Sequence[Delivery],
    more: Mapping[str, Any] | None = None,
) -> Request:
    payloads = [one.payload or {} for one in batch]
    about = {name: value for name, value in payloads[0].items() if name != "event"}
    body = {**about, **(more or {}), "events": [one["event"] for one in payloads]}
    query = {
        "measurement_id": destination.options["measurement_id"],
        "api_secret": destination.credentials["api_secret"],
    }
    headers = {"Content-Type": "application/json", "User-Agent": "Throughline"}
    return Request("POST", str(URL(url).update_query(query)), headers, as_bytes(body))


def _mistakes(text: str) -> str:
    """What the validation has found, in its own words; "" if nothing."""
    try:
        found = json.loads(text).get("validationMessages") or []
        return " ".join(str(one.get("description") or one) for one in found)
    except (ValueError, AttributeError, TypeError):
        # The beginning of a long answer is none that can be read, and of a short one there are
        # mistakes only if it is no answer of the validation.
        return "The answer is not that of a validation: is this the address of Google Analytics?"
