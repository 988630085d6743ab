"""Destinations and deliveries for tests of their pages, and what a browser sends."""

import json
import uuid

from django.utils import timezone

from destinations.models import Delivery, Destination
from destinations.saving import save_destination
from tests.factories import make_contact

LIST_URL = "/admin/destinations/destination/"
ADD_URL = f"{LIST_URL}add/"
EXAMPLE_URL = f"{LIST_URL}example/"
LOG_URL = "/admin/destinations/delivery/"
EVERYBODY = {"match": "all", "conditions": []}
_DRAWN = ("activities", "groups", "consents", "fields", "rule", "headers", "mapping")


def posted(**fields):
    """What a browser sends that saves a webhook."""
    given = {
        "name": "CRM",
        "code_name": "crm",
        "type": "webhook",
        "url": "https://crm.example.com/hook",
        "method": "POST",
        "activities": [],
        "groups": [],
        "consents": [],
        "rule": EVERYBODY,
        "consent": "",
        "email": "plain",
        "which_fields": "all",
        "fields": [],
        "headers": [],
        "mapping": None,
        **fields,
    }
    return {
        name: json.dumps(value) if name in _DRAWN and not isinstance(value, str) else value
        for name, value in given.items()
    }


def make_destination(code_name="crm", **fields):
    """A webhook that is switched on, unless the fields say otherwise."""
    destination = Destination(
        **{
            "code_name": code_name,
            "name": code_name.upper(),
            "url": "https://crm.example.com/hook",
            "enabled": True,
            **fields,
        }
    )
    save_destination(destination)
    destination.refresh_from_db()
    return destination


def make_delivery(destination=None, contact=None, *, status="waiting", **fields):
    """A message about a page visit that waits, unless the fields say otherwise."""
    contact = contact or make_contact()
    now = timezone.now()
    if status == "delivered":
        fields = {"attempts": 1, "attempted_at": now, "delivered_at": now, **fields}
    if status in ("failed", "skipped"):
        fields = {"reason": "It did not work.", **fields}
    payload = {
        "type": "activity",
        "contact": {"guid": str(contact.guid), "first_name": contact.first_name},
        "data": {"type": "pagevisit", "url": "https://www.example.com/loans"},
    }
    return Delivery.objects.create(
        destination=destination or make_destination(),
        contact=contact,
        status=status,
        **{
            "kind": "activity",
            "source": f"activity:{uuid.uuid4().int % 10**12}",
            "payload": payload,
            "occurred_at": now,
            **fields,
        },
    )
