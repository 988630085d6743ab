"""What the demo's CRM does with a message: it checks the signature, and knows what it has had."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from standardwebhooks import Webhook, WebhookVerificationError

from config.demo.crm import keeping

# A message of the hub is smaller; what is larger is none.
MOST_BYTES = 64 * 1024
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
ERASURE = "erasure"


def receive(headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
    """Take a message, and return the status and the text of the answer to it."""
    status = keeping.answer()
    if status != 200:
        return status, keeping.ANSWERS[status]
    if len(body) > MOST_BYTES:
        return 413, f"A message may have {MOST_BYTES:,} bytes at most."
    problem = _why_not(headers, body)
    content = keeping.read_object(body)
    contact = _contact_of(content)
    if not problem and _type_of(content) == ERASURE and contact:
        keeping.forget_contact(contact)
    keeping.keep(
        headers.get("webhook-id", "") or f"none-{uuid4().hex}",
        # The request to delete stays: it is all that is left.
        contact="" if _type_of(content) == ERASURE else contact,
        problem=problem,
        headers={name: headers[name] for name in SIGNED if name in headers},
        body=body.decode(errors="replace"),
    )
    return (401, problem) if problem else (200, "Thank you.")


def _why_not(headers: Mapping[str, str], body: bytes) -> str:
    """Why this message is not from the hub; "" if it is."""
    if not (secret := keeping.secret()):
        return "The CRM does not know the secret of the destination. Paste it on its page."
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as error:
        return f"The signature does not hold: {error}."
    except (ValueError, TypeError):
        # The library meets what is no signature, no text, or no secret at all.
        return "The signature cannot be read."
    return ""


def _type_of(content: dict[str, Any]) -> str:
    found = content.get("type")
    return found if isinstance(found, str) else ""


def _contact_of(content: dict[str, Any]) -> str:
    contact = content.get("contact")
    guid = contact.get("guid") if isinstance(contact, dict) else None
    return guid if isinstance(guid, str) else ""
