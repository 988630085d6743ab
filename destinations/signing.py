"""Signatures of messages, as Standard Webhooks has them."""

import base64
import binascii
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from standardwebhooks import Webhook

if TYPE_CHECKING:
    from destinations.models import Destination

PREFIX = "whsec_"
# Bytes of a secret: what the specification has, and how many a new one has.
FEWEST_BYTES, MOST_BYTES = 24, 64
_NEW_BYTES = 32


class InvalidSecret(ValueError):
    """A text that is no secret for signatures; the message says what it has to be."""


def make_secret() -> str:
    """A new secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()


def check_secret(secret: str) -> None:
    """Refuse what receivers could not check signatures with.

    :raises InvalidSecret: if it is not `whsec_` and 24 to 64 bytes in Base64
    """
    how = (
        f"A secret is {PREFIX} followed by {FEWEST_BYTES} to {MOST_BYTES} bytes in Base64. "
        "Leave it out to have one made."
    )
    if not secret.startswith(PREFIX):
        raise InvalidSecret(how)
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSecret(how) from None
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise InvalidSecret(f"{how} This one has {len(key)} bytes.")


def id_of(message_id: UUID) -> str:
    """The id of a message as receivers see it, the same at each attempt."""
    return f"msg_{message_id.hex}"


def signed_headers(
    destination: "Destination", message_id: UUID, body: bytes, at: datetime
) -> dict[str, str]:
    """The headers by which a receiver knows that the message is ours, and has not seen it yet.

    After a rotation the secret before signs as well for a while, so receivers may change over
    whenever they want to.

    :param at: when the message is sent
    """
    names = [destination.secret]
    if destination.earlier_secret_until is not None and at < destination.earlier_secret_until:
        names.append(destination.earlier_secret)
    message, at = id_of(message_id), at.astimezone(UTC)
    text = body.decode()
    signatures = [Webhook(secret).sign(message, at, text) for secret in names if secret]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
