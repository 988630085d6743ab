"""Delivering as workers do, without their queues: messages in the format of a destination."""

import itertools
import json
from uuid import uuid4

from django.utils import timezone

from destinations.http import Client
from destinations.kinds import kind_of
from destinations.messages import Message
from destinations.models import Delivery, Destination
from destinations.saving import save_destination
from tests.threads import run_in_loop

GUID = "5f0c6a52-0c8e-4d0b-9f43-2f6f5f1b7a10"
_numbers = itertools.count(1)
_ACTIVITY = {
    "id": 4711,
    "type": "purchase",
    "name": "Purchase",
    "title": "Shoes",
    "value": "49.90",
    "url": "https://shop.example.com/cart",
    "referrer": "https://shop.example.com/",
    "properties": {"price": 49.9, "currency": "EUR", "items": [{"id": "A", "size": 42}]},
    "channel": "shop",
    "tracked_site": None,
    "recorded_at": "2026-11-30T08:00:00+00:00",
}


def make_destination(type="webhook", **fields):
    """A saved destination of this kind, with what it needs."""
    number = next(_numbers)
    needed = {
        "webhook": {"url": "https://crm.example.com/hook"},
        "segment": {"credentials": {"write_key": "wk"}},
        "ga4": {
            "options": {"measurement_id": "G-ABC1234567"},
            "credentials": {"api_secret": "hush"},
        },
        "mixpanel": {"credentials": {"token": "tok"}},
        "file": {"options": {"folder": "crm"}},
    }
    given = {"name": f"Destination {number}", "code_name": f"destination-{number}"}
    destination = Destination(type=type, **given | needed.get(type, {}) | fields)
    save_destination(destination)
    return destination


def make_message(type="activity", *, at=None, contact=None, data=None, **more):
    """A message as the hub makes them; `more` is what differs of an activity's data."""
    told = {"guid": GUID, "email": "ada@example.com", "first_name": "Ada", "country": "GBR"}
    return Message(
        message_id=uuid4(),
        type=type,
        at=at or timezone.now(),
        contact=told if contact is None else contact,
        data={**_ACTIVITY, **more} if data is None else data,
    )


def make_delivery(destination, message=None, **fields):
    """A delivery with its payload as the database gives it back."""
    message = message or make_message()
    payload = fields.pop("payload", None)
    if payload is None:
        payload = kind_of(destination).payload(destination, message)
    return Delivery(
        destination=destination,
        message_id=message.message_id,
        source=f"test:{uuid4()}",
        payload=json.loads(json.dumps(payload)),
        occurred_at=message.at,
        **{"kind": message.type, "attempts": 1, **fields},
    )


def deliver(destination, *deliveries):
    """What comes of these, which go out together."""

    async def deliver_them():
        async with Client() as client:
            return await kind_of(destination).deliver(destination, deliveries, client)

    return run_in_loop(deliver_them())


def test(destination, delivery):
    """What comes of a test."""

    async def send():
        async with Client() as client:
            return await kind_of(destination).test(destination, delivery, client)

    return run_in_loop(send())


test.__test__ = False


def answer(status, text="", **headers):
    """The bytes of an answer over HTTP."""
    body = b"" if status == 204 else (text if isinstance(text, str) else json.dumps(text)).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"Content-Length": len(body)} if status != 204 else {}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Some\r\n{lines}\r\n".encode() + body


def headers_of(head):
    """The headers of a request, by names in lower case."""
    lines = head.splitlines()[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def target_of(head):
    """Method, and path with query, of a request."""
    method, target, _ = head.splitlines()[0].split(" ")
    return method, target


def lines_of(file):
    """The lines of a file, each of which has to be whole."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def names_in(folder):
    """The names of the files of a folder."""
    return sorted(file.name for file in folder.iterdir() if file.name != ".lock")
