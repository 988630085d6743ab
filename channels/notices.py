"""Telling users that an API key ends soon which a sender still uses."""

from smtplib import SMTPException

from django.conf import settings
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from adminsite.telling import REFUSED, tell_users
from channels.models import ApiKey

_TEXT = """\
The API key “{name}” of the channel “{channel}” ends on {end}, and a sender used it within the \
last day. From then on the sender is refused, and nothing of what it sends is recorded.

{advice}:

{url}
"""
_ROTATED = "Give the sender the key that has replaced it, “{new}”, or let the old one end later"
_NOT_ROTATED = "Rotate the key and give the sender the new one, or let this one end later"


def tell_of_ending_keys() -> None:
    """Send an email about each key that ends soon and is still used, to those who may change it.

    Once for each end: who moves it is told again before the new one.

    :raises OSError: if the mail server takes nothing; what is not told yet is told later
    """
    refused: SMTPException | None = None
    untold = ApiKey.objects.ending_in_use().exclude(told_of_end=F("expires_at"))
    for key in untold.select_related("channel", "replaced_by").order_by("pk"):
        try:
            _tell_of(key)
        except REFUSED as error:
            refused = error
    if refused is not None:
        raise refused


def _tell_of(key: ApiKey) -> None:
    advice = _ROTATED.format(new=key.replaced_by.name) if key.replaced_by else _NOT_ROTATED
    assert key.expires_at is not None  # as all that end
    text = _TEXT.format(
        name=key.name,
        channel=key.channel.name,
        end=date_format(timezone.localtime(key.expires_at), "j F Y, H:i T"),
        advice=advice,
        url=settings.PUBLIC_URL + reverse("admin:channels_apikey_change", args=[key.pk]),
    )
    tell_users(
        "channels.change_apikey",
        f"The API key “{key.name}” ends soon and is still used",
        text,
        note_told=lambda: _note_told(key),
    )


def _note_told(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(told_of_end=key.expires_at)
