"""Telling users that the hub has paused a destination."""

import logging
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.urls import reverse

from destinations.models import Destination, Queue

_log = logging.getLogger(__name__)

# What the mail server says of one email.
_REFUSED = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError)
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
            except _REFUSED as error:
                refused = error
        else:
            _note_told(queue)
    if refused is not None:
        raise refused


def _note_told(queue: Queue) -> None:
    Queue.objects.filter(pk=queue.pk).update(untold=False)


def _tell_of(queue: Queue) -> None:
    """Send the emails about one destination, and note that as soon as any of them is taken.

    :raises SMTPException: if every user's address was refused for now
    :raises OSError: if the mail server is away
    """
    refused: SMTPException | None = None
    is_told = False
    for message in _messages(queue.destination):
        try:
            message.send()
        except _REFUSED as error:
            _log.warning("The mail server refused an email about a paused destination.")
            refused = refused if _is_for_good(error) else error
            continue
        if not is_told:
            is_told = True
            _note_told(queue)
    if is_told:
        return
    if refused is not None:
        raise refused
    _note_told(queue)


def _is_for_good(error: SMTPException) -> bool:
    """Whether the mail server would refuse the email each time: it answered 500 or more."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, SMTPDataError) and error.smtp_code >= 500


def _messages(destination: Destination) -> list[EmailMessage]:
    """An email for each user, so that none of them learns the addresses of the others."""
    users = User.objects.with_perm(
        "destinations.change_destination", backend="django.contrib.auth.backends.ModelBackend"
    )
    emails = users.filter(is_staff=True).exclude(email="").values_list("email", flat=True)
    waiting = destination.deliveries.filter(status="waiting").count()
    text = _TEXT.format(
        name=destination,
        why=_WHY[Destination.PausedBy(destination.paused_by)],
        waits="One message waits" if waiting == 1 else f"{waiting:,} messages wait",
        url=settings.PUBLIC_URL + reverse("admin:index"),
    )
    subject = f"Throughline has paused the destination “{' '.join(destination.name.split())}”"
    return [EmailMessage(subject, text, to=[email]) for email in sorted(set(emails))]
