"""System checks: links in emails lead to the hub, and emails have a sender."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from automations.emails.addresses import BadAddress, sender_of
from automations.models import Template
from web.hosts import is_hub_host


@register
def check_public_url(app_configs, **kwargs) -> list[CheckMessage]:
    """automations.E001 and W001: contacts cannot reach the hub where links in emails lead to."""
    address = urlsplit(settings.PUBLIC_URL)
    if settings.PRODUCTION and settings.HAS_MAIL_SERVER and not _is_reached_by_contacts(address):
        return [
            Error(
                f"Links in emails would lead to {settings.PUBLIC_URL}, which contacts cannot reach "
                "safely: nobody could unsubscribe.",
                hint="Set PUBLIC_URL to the address of the hub as contacts reach it, beginning "
                "with https://, such as https://hub.example.com.",
                id="automations.E001",
            )
        ]
    if address.scheme in ("http", "https") and is_hub_host(address.netloc.lower()):
        return []
    return [
        Warning(
            f"Links in emails would lead to {settings.PUBLIC_URL}, where the hub does not answer: "
            "nobody could unsubscribe.",
            hint="Set PUBLIC_URL to the address of the hub as contacts reach it, such as "
            "https://hub.example.com, and name its host in ALLOWED_HOSTS.",
            id="automations.W001",
        )
    ]


@register
def check_sender(app_configs, **kwargs) -> list[CheckMessage]:
    """automations.E002: no email could come from DEFAULT_FROM_EMAIL."""
    try:
        sender_of(Template())
    except BadAddress as error:
        return [
            Error(
                f"No email could come from DEFAULT_FROM_EMAIL: {error}",
                hint='Give an address, or a name and an address, such as "Alder Bank '
                '<hub@alder.example>"; a name with a comma stands in quotation marks.',
                id="automations.E002",
            )
        ]
    return []


def _is_reached_by_contacts(address: SplitResult) -> bool:
    host = address.hostname or ""
    if address.scheme != "https" or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return bool(host)
