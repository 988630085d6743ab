"""The links of an email to the hub: unsubscribing, preferences, confirming, opens and clicks.

Each has a token that is signed over the id in the Message-ID, so it exists before the email is
stored, and works for as long as the email is kept. Each purpose has a salt of its own: no token is
good for another.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer

from automations.models import Email, Template

# As they stand in `automations/urls.py`, which `config/urls.py` has under this.
_ROOT = "/email"
_SEPARATOR = "."
_BYTES_OF_ID = 16


class Purpose(StrEnum):
    """What a link is for; the value stands in its address."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    CONFIRM = "confirm"
    OPEN = "o"
    CLICK = "c"


@dataclass(frozen=True)
class Links:
    """The addresses that an email has of its own.

    :ivar unsubscribe: "" for a transactional email, which has no consent to take back
    :ivar pixel: the picture by which it is seen that the email is opened; "" for none
    :ivar click: makes the address that a link leads through; None if clicks are not counted
    :ivar confirm: makes, from a code name, the address of the page on which the reader agrees to
        that consent
    """

    unsubscribe: str
    preferences: str
    pixel: str = ""
    click: Callable[[str], str] | None = None
    confirm: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Token:
    """What a token says: of which email it is, and for a click or a consent what it leads to."""

    message: UUID
    detail: str = ""


class BadToken(ValueError):
    """A token that the hub has not made, or not for this purpose."""


def links_for(message_id: str, template: Template, allows_open: bool, allows_click: bool) -> Links:
    """The links of the email with this Message-ID.

    `allows_open` and `allows_click` are whether the contact agrees to the consents that the
    template names for that.
    """
    message = message_of(message_id)
    click = partial(_click, message)
    return Links(
        unsubscribe="" if template.is_transactional else _url(Purpose.UNSUBSCRIBE, message),
        preferences=_url(Purpose.PREFERENCES, message),
        pixel=_url(Purpose.OPEN, message) + ".gif" if allows_open else "",
        click=click if allows_click else None,
        confirm=partial(_url, Purpose.CONFIRM, message),
    )


def unsubscribe_link(message_id: str) -> str:
    """The address that the email with this Message-ID has for unsubscribing."""
    return _url(Purpose.UNSUBSCRIBE, message_of(message_id))


def message_of(message_id: str) -> UUID:
    """The id in a Message-ID of the hub: `<hex>@<domain>`, with or without angle brackets."""
    return UUID(message_id.strip("<>").partition("@")[0])


def token_of(purpose: Purpose, message: UUID, detail: str = "") -> str:
    """The token of a link with this purpose in the email with this id."""
    content = _encoded(message.bytes + detail.encode())
    return _signer(purpose).sign(content)


def read_token(purpose: Purpose, token: str) -> Token:
    """What a token says that `token_of` has made for this purpose.

    :raises BadToken: if it has not
    """
    try:
        content = urlsafe_b64decode(_signer(purpose).unsign(token) + "==")
    except (BadSignature, binascii.Error, ValueError):
        raise BadToken from None
    return Token(UUID(bytes=content[:_BYTES_OF_ID]), content[_BYTES_OF_ID:].decode())


def email_of(token: Token) -> Email | None:
    """The email that a token is of; None if it is not kept, as after an erasure."""
    emails = Email.objects.filter(message_id__startswith=f"{token.message.hex}@")
    return emails.select_related("template", "consent").first()


def _click(message: UUID, target: str) -> str:
    """The address that leads to `target` and has the click counted; others than of the web stay."""
    if not target.lower().startswith(("http://", "https://")) or target.startswith(
        f"{settings.PUBLIC_URL}{_ROOT}/"
    ):
        return target
    return _url(Purpose.CLICK, message, target)


def _url(purpose: Purpose, message: UUID, detail: str = "") -> str:
    return f"{settings.PUBLIC_URL}{_ROOT}/{purpose}/{token_of(purpose, message, detail)}"


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _signer(purpose: Purpose) -> Signer:
    return Signer(sep=_SEPARATOR, salt=f"automations.emails.links.{purpose.name}")
