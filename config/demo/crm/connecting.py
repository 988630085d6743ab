"""The destination by which the hub delivers to the demo's CRM."""

import base64
import ipaddress
import secrets
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from config.demo import data
from config.demo.crm import keeping
from consents.models import Consent
from destinations.models import Destination
from destinations.queues import ensure_queues

# What DESTINATION_ALLOWED_NETWORKS has to have: the CRM is on this machine.
NETWORKS = "127.0.0.0/8,::1/128"

_HOOK = "/demo/crm/hook"


def ensure_crm(consent: Consent) -> None:
    """Make the destination if it is not there; what a user has changed stays so.

    It gets a secret and is switched on where its CRM is served: in a hub with the demo.
    """
    with transaction.atomic():
        ours = Destination.objects.select_for_update().filter(code_name__fold=data.CRM)
        destination = ours.first() or _make(consent)
        changed = []
        if destination.url != _url() and _is_our_crm(destination.url):
            # The hub may listen on another port than last time.
            destination.url = _url()
            changed.append("url")
        if settings.DEMO and not destination.secret:
            destination.secret = _make_secret()
            destination.enabled = True
            changed += ["secret", "enabled"]
        if changed:
            destination.save(update_fields=changed)
        ensure_queues([destination.pk])
    if destination.secret and not keeping.secret():
        keeping.set_secret(destination.secret)


def _make(consent: Consent) -> Destination:
    new = Destination(
        code_name=data.CRM,
        name="Alder CRM",
        type=Destination.Type.WEBHOOK,
        url=_url(),
        consent=consent,
        activities=list(data.CRM_ACTIVITIES),
        groups=[data.LOAN_INTEREST],
        consents=[data.NEWSLETTER],
        changes=True,
        fields=list(data.CRM_FIELDS),
    )
    # Two processes may load the demo at once: the first one makes it.
    Destination.objects.bulk_create([new], ignore_conflicts=True)
    return Destination.objects.select_for_update().get(code_name__fold=data.CRM)


def _make_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _url() -> str:
    """Where the hub of the demo reaches itself: on the address on which it listens."""
    host = settings.HOST
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_unspecified:
            host = "::1" if address.version == 6 else "127.0.0.1"
        if address.version == 6:
            host = f"[{host}]"
    return f"http://{host}:{settings.PORT}{_HOOK}"


def _is_our_crm(url: str) -> bool:
    parts = urlsplit(url)
    if parts.path != _HOOK or not parts.hostname:
        return False
    with suppress(ValueError):
        return ipaddress.ip_address(parts.hostname).is_loopback
    return parts.hostname == "localhost"
