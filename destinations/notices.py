"""Telling users that the hub has paused a destination."""

from smtplib import SMTPException

from django.conf import settings
from django.urls import reverse

from adminsite.telling import REFUSED, tell_users
from destinations.models import Destination, Queue

_WHY = {
    Destination.PausedBy.GONE: "It has answered that it wants nothing any more (410).",
    Destination.PausedBy.FAILURES: "Nothing has arrived there for five days.",
}
_TEXT = """\
The hub has paused the destination “{name}”. {why}

{waits}, and so does everything that would go out from now on. Once the other system works again, \
open Destinations in the admin, choose “{name}” and resume it:

{url}
"""


def tell_of_pauses() -> None:
    """Send an email about each destination that the hub has paused, to those who can resume it.

    A user whose address the mail server refuses keeps nobody else from being told, and no user is
    told twice.

    :raises OSError: if the mail server takes nothing; what is not told yet is told later
    """
    refused: SMTPException | None = None
    untold = Queue.objects.filter(untold=True).select_related("destination").order_by("pk")
    for queue in untold:
        if queue.destination.paused_by in _WHY:
            try:
                _tell_of(queue)
            except REFUSED as error:
                refused = error
        else:
            _note_told(queue)
    if refused is not None:
        raise refused


def _note_told(queue: Queue) -> None:
    Queue.objects.filter(pk=queue.pk).update(untold=False)


def _tell_of(queue: Queue) -> None:
    destination = queue.destination
    waiting = destination.deliveries.filter(status="waiting").count()
    text = _TEXT.format(
        name=destination,
        why=_WHY[Destination.PausedBy(destination.paused_by)],
        waits="One message waits" if waiting == 1 else f"{waiting:,} messages wait",
        url=settings.PUBLIC_URL + reverse("admin:index"),
    )
    tell_users(
        "destinations.change_destination",
        f"Throughline has paused the destination “{destination.name}”",
        text,
        note_told=lambda: _note_told(queue),
    )
