"""An example of what goes out to a destination: of a contact who does not exist."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from destinations.messages import Message
from destinations.models import Delivery, Destination

_GUID = UUID("5f0c6a52-0c8e-4d0b-9f43-2f6f5f1b7a10")
_EMAIL = "ada.example@example.com"
# Every field of contacts but the email. The telephone numbers are of those kept for examples.
_FIELDS = {
    "first_name": "Ada",
    "middle_name": "May",
    "last_name": "Example",
    "birthday": "1990-12-10",
    "mobile_phone": "+441632960001",
    "business_phone": "+441632960002",
    "company_name": "Example Ltd",
    "job_title": "Engineer",
    "address1": "1 Example Street",
    "city": "London",
    "zip": "EC1A 1BB",
    "country": "GBR",
    "state": "",
    "notes": "This contact is an example.",
}
_ACTIVITY = "purchase"


def example_message(destination: Destination, *, kind: str = Delivery.Kind.TEST) -> Message:
    """What a destination is told of an activity that never was; each has an id of its own.

    :param kind: a value of `Delivery.Kind`, under which the activity goes out
    """
    now = timezone.now()
    return Message(
        message_id=uuid4(),
        type=str(kind),
        at=now,
        contact=_contact(destination),
        data={
            "id": 1,
            "type": next(iter(destination.activities), _ACTIVITY),
            "name": "Example",
            "title": "An example of the hub",
            "value": "49.90",
            "url": "https://www.example.com/checkout",
            "referrer": "https://www.example.com/",
            "properties": {
                "order_id": "EXAMPLE-1",
                "price": 49.9,
                "currency": "EUR",
                "items": [{"id": "EXAMPLE", "name": "Example", "quantity": 1}],
            },
            "channel": "example",
            "tracked_site": None,
            "recorded_at": now.isoformat(),
        },
    )


def _contact(destination: Destination) -> dict[str, Any]:
    told = {"guid": str(_GUID)}
    if destination.email == Destination.Email.PLAIN:
        told["email"] = _EMAIL
    elif destination.email == Destination.Email.SHA256:
        told["email"] = hashlib.sha256(_EMAIL.encode()).hexdigest()
    chosen = _FIELDS if destination.fields is None else destination.fields
    return told | {name: value for name, value in _FIELDS.items() if name in chosen}
