"""What comes back: reports by email lead to the emails that they are about."""

import logging
from dataclasses import asdict, dataclass
from datetime import timedelta
from email.errors import MessageError

from django.db import DataError, transaction
from django.utils import timezone

from automations.emails.noting import lock_email
from automations.emails.reports import Report, read_reports
from automations.emails.suppressing import note_bounce, note_complaint
from automations.models import Email
from contacts.models import Contact

_log = logging.getLogger(__name__)

# A report that does not say which email it is about can be made up by anybody, so it counts for so
# long after an email to that address.
_BELIEVED_FOR = timedelta(days=7)
LARGEST_REPORT = 10_000_000


@dataclass
class Received:
    """How many reports were understood, and how many messages were none, or lead to no email."""

    bounces: int = 0
    complaints: int = 0
    unknown: int = 0

    def __add__(self, other: "Received") -> "Received":
        return Received(*(a + b for a, b in zip(self, other, strict=True)))

    def __iter__(self):
        return iter(asdict(self).values())


def receive(raw: bytes) -> Received:
    """Note what a message reports that came to the address for bounces; repeated, it is noted once.

    Hard bounces and complaints suppress the address. One that cannot be read is none: anybody may
    have written it, and others wait behind it.
    """
    try:
        return _receive(raw)
    except (RecursionError, ValueError, MessageError, DataError) as error:
        _log.warning("A message to the address for bounces is unreadable: %s", type(error).__name__)
        return Received(unknown=1)


@transaction.atomic
def _receive(raw: bytes) -> Received:
    received = Received()
    for report in read_reports(raw):
        email = _email_of(report)
        if email is None:
            received.unknown += 1
        elif report.severity is None:
            note_complaint(email, report.detail)
            received.complaints += 1
        else:
            note_bounce(email, report.severity, report.detail)
            received.bounces += 1
    if not any(received):
        received.unknown = 1
    return received


def _email_of(report: Report) -> Email | None:
    """The email that a report is about, locked."""
    emails = Email.objects.defer("html", "text")
    if report.message_id and (found := emails.filter(message_id=report.message_id).first()):
        return lock_email(found)
    if not report.recipient:
        return None
    since = timezone.now() - _BELIEVED_FOR
    contacts = Contact.objects.with_email(report.recipient).values("pk")
    recent = emails.filter(contact__in=contacts, sent_at__gt=since)
    return lock_email(recent.order_by("-prepared_at", "-pk").first())
