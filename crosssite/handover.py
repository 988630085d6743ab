"""The hand-over link: a visitor takes their contact along from one website to its partner.

Browsers that refuse third-party cookies show the same person as two strangers on two websites. So a
link from one to the other carries a token: signed, for this pair of sites, for one use, for two
minutes. What it joins is only asked for by a browser that really came from the other site.
"""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from contacts.models import Contact
from contacts.resolving import find_contact
from crosssite.models import UsedHandover

LIFETIME_SECONDS = 120
_SALT = "crosssite.handover"


class CannotHandOver(Exception):
    """The token joins nobody; the message says why."""


def mint_token(contact: Contact, *, from_origin: str, to_origin: str) -> str:
    """A token that takes `contact` along from one website to the other, once and soon."""
    content = {
        "id": str(uuid4()),
        "contact": str(contact.guid),
        "from": from_origin,
        "to": to_origin,
    }
    return signing.dumps(content, salt=_SALT, compress=True)


def redeem_token(token: str, *, arrived_at: str, came_from: str) -> Contact:
    """The contact that `token` brings to the website `arrived_at` from the page `came_from`.

    :raises CannotHandOver: if it is forged, expired, used, or meant for another pair of websites
    """
    try:
        content = signing.loads(token, salt=_SALT, max_age=LIFETIME_SECONDS)
    except signing.SignatureExpired:
        raise CannotHandOver("The link has expired.") from None
    except signing.BadSignature:
        raise CannotHandOver("The link was not made by this hub.") from None
    if content["to"] != arrived_at or content["from"] != origin_of(came_from):
        raise CannotHandOver("The link was made for another pair of websites.")
    try:
        with transaction.atomic():
            UsedHandover.objects.create(token_id=UUID(content["id"]))
    except IntegrityError:
        raise CannotHandOver("The link was used before.") from None
    contact = find_contact(UUID(content["contact"]))
    if contact is None:
        raise CannotHandOver("The contact is no more.")
    return contact


def origin_of(url: str) -> str:
    """Scheme, host and port of `url` as a browser writes an origin; "" if it is no web address."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return ""
        port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else parts.port
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")


def forget_used_tokens() -> None:
    """Delete what is remembered of tokens that nobody could use any more."""
    before = timezone.now() - timedelta(seconds=2 * LIFETIME_SECONDS)
    UsedHandover.objects.filter(used_at__lt=before).delete()
