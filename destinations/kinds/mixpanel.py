"""Mixpanel: events by its import, and profiles, which changes of contacts set and erasing deletes.

Deleting a profile leaves its events: for these a user of Mixpanel asks there.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from yarl import URL

from destinations.http import Answer, Client, Request
from destinations.kinds.answers import outcome_of
from destinations.kinds.base import DestinationKind, Option
from destinations.kinds.batches import as_bytes, in_requests
from destinations.kinds.checks import InvalidDestination
from destinations.kinds.events import fields_of, name_of, properties_of
from destinations.messages import Message
from destinations.outcomes import Outcome, Result

if TYPE_CHECKING:
    from destinations.models import Delivery, Destination

_MOST_EVENTS = 2_000
# 2 MB, with room for what is around the events.
_MOST_BYTES = 1_950_000
# Of what is sent to /engage.
_MOST_PROFILES = 200
_PROFILE = {
    "first_name": "$first_name",
    "last_name": "$last_name",
    "mobile_phone": "$phone",
    "city": "$city",
}


class Mixpanel(DestinationKind):
    """Events, and profiles of contacts."""

    type = "mixpanel"
    default_url = "https://api.mixpanel.com/import"
    most_at_once = _MOST_EVENTS
    most_bytes = _MOST_BYTES
    options = (
        Option(
            "project",
            "project ID",
            "The number of the project. Needed with a service account.",
            is_required=False,
        ),
        Option("token", "project token", "The token of the project.", is_secret=True),
        Option(
            "service_account",
            "service account",
            "The user name of a service account, if events are to come in its name.",
            is_secret=True,
            is_required=False,
        ),
        Option(
            "service_secret",
            "secret of the service account",
            "Its password.",
            is_secret=True,
            is_required=False,
        ),
    )

    def check(self, destination: Destination) -> None:
        super().check(destination)
        if destination.credentials.get("service_account") and not destination.options.get(
            "project"
        ):
            raise InvalidDestination(
                "options", "With a service account, Mixpanel needs the project ID.", "project"
            )

    def payload(self, destination: Destination, message: Message) -> dict[str, Any]:
        guid = str(message.contact.get("guid") or "")
        if message.type == "contact" and guid:
            return {"$distinct_id": guid, "$ip": "0", "$set": _profile(destination, message)}
        properties = {
            **properties_of(message),
            "time": int(message.at.timestamp() * 1_000),
            "distinct_id": guid,
            "$insert_id": message.message_id.hex,
        }
        return {"event": name_of(message)[:255], "properties": properties}

    def erasure(self, destination: Destination, message: Message) -> dict[str, Any] | None:
        guid = str(message.contact["guid"])
        return {"$distinct_id": guid, "$delete": "null", "$ignore_alias": False}

    async def send(
        self, destination: Destination, deliveries: Sequence[Delivery], client: Client
    ) -> dict[UUID, Outcome]:
        events = [one for one in deliveries if "event" in (one.payload or {})]
        profiles = [one for one in deliveries if "event" not in (one.payload or {})]
        outcomes: dict[UUID, Outcome] = {}
        for found in await asyncio.gather(
            *(
                _import(destination, batch, client)
                for batch in in_requests(events, most=_MOST_EVENTS, most_bytes=_MOST_BYTES)
            ),
            *(
                _engage(destination, batch, client)
                for batch in in_requests(profiles, most=_MOST_PROFILES, most_bytes=_MOST_BYTES)
            ),
        ):
            outcomes |= found
        return outcomes


async def _import(
    destination: Destination, batch: Sequence[Delivery], client: Client
) -> dict[UUID, Outcome]:
    user, password = destination.credentials["token"], ""
    query = {"strict": "1"}
    if account := destination.credentials.get("service_account"):
        user, password = account, destination.credentials.get("service_secret", "")
        query["project_id"] = destination.options.get("project", "")
    key = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {**_HEADERS, "Authorization": f"Basic {key}"}
    body = as_bytes([one.payload for one in batch])
    url = str(URL(destination.url).update_query(query))
    answer = await client.ask(Request("POST", url, headers, body))
    outcome = outcome_of(answer, [*destination.credentials.values(), key])
    outcomes = dict.fromkeys((one.message_id for one in batch), outcome)
    if answer.status == 400:
        outcomes |= _of_each(batch, answer, outcome)
    return outcomes


def _of_each(batch: Sequence[Delivery], answer: Answer, outcome: Outcome) -> dict[UUID, Outcome]:
    """What came of each event: Mixpanel names those that it refuses, and has taken the others.

    Of a long answer only the beginning is there. Of the events that are not named in it nothing is
    known: they are tried again, and Mixpanel tells by `$insert_id` which it has already.
    """
    failed, is_whole = _failed_records(outcome.answer)
    if not failed:
        return {}
    by_id = {one.message_id.hex: one.message_id for one in batch}
    outcomes = {
        by_id[insert_id]: Outcome(
            Result.REFUSED, answer.status, outcome.answer, f"Mixpanel refuses the event: {why}"
        )
        for insert_id, why in failed.items()
        if insert_id in by_id
    }
    if is_whole and len(outcomes) == len(failed):
        taken = Outcome(Result.DELIVERED, answer.status, outcome.answer)
        return dict.fromkeys(by_id.values(), taken) | outcomes
    return outcomes


def _failed_records(text: str) -> tuple[dict[str, str], bool]:
    """The reasons by `$insert_id`, as far as the text goes, and whether these are all."""
    _, found, rest = text.partition('"failed_records"')
    rest = rest.lstrip(" \r\n\t:")
    if not found or not rest.startswith("["):
        return {}, False
    failed: dict[str, str] = {}
    decoder, place = json.JSONDecoder(), 1
    while True:
        while rest[place : place + 1] and rest[place] in " \r\n\t,":
            place += 1
        if rest[place : place + 1] == "]":
            return failed, True
        try:
            record, place = decoder.raw_decode(rest, place)
        except ValueError:
            return failed, False
        if not isinstance(record, Mapping):
            return failed, False
        failed[str(record.get("insert_id"))] = str(record.get("message") or record)


async def _engage(
    destination: Destination, batch: Sequence[Delivery], client: Client
) -> dict[UUID, Outcome]:
    """Set or delete profiles."""
    token = destination.credentials["token"]
    body = as_bytes([{"$token": token, **(one.payload or {})} for one in batch])
    url = URL(destination.url).with_path("/engage").with_query({"verbose": "1"})
    answer = await client.ask(Request("POST", str(url), _HEADERS, body))
    outcome = outcome_of(answer, destination.credentials.values())
    if outcome.result == Result.DELIVERED and (mistake := _mistake(outcome.answer)):
        outcome = Outcome(Result.FAILED, answer.status, outcome.answer, mistake)
    return dict.fromkeys((one.message_id for one in batch), outcome)


_HEADERS = {"Content-Type": "application/json", "User-Agent": "Throughline"}


def _mistake(text: str) -> str:
    """What Mixpanel says is wrong although it has answered 200; "" if nothing."""
    try:
        said = json.loads(text)
    except ValueError:
        return "" if text.strip() != "0" else "Mixpanel does not take the profiles."
    if said == 0:
        return "Mixpanel does not take the profiles."
    if isinstance(said, Mapping) and said.get("status") in (0, "0"):
        return f"Mixpanel does not take the profiles: {said.get('error')}"
    return ""


def _profile(destination: Destination, message: Message) -> dict[str, Any]:
    profile = {_PROFILE.get(name, name): value for name, value in fields_of(message).items()}
    if email := message.contact.get("email"):
        # A hash is no email: Mixpanel would write to it.
        is_hash = destination.email == type(destination).Email.SHA256
        profile["email_sha256" if is_hash else "$email"] = email
    return profile
