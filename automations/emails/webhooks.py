"""What providers tell of emails by their webhooks, as django-anymail translates it."""

import contextlib
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.db import transaction
from django.db.models import Q
from django.dispatch import receiver
from django.utils import timezone

from automations.emails.answering import languages_of, unsubscribe
from automations.emails.messages import METADATA
from automations.emails.noting import lock_email, note_sent
from automations.emails.severity import Severity, enhanced_code, severity_of, without_addresses
from automations.emails.suppressing import note_bounce, note_complaint, suppress
from automations.models import Email, Suppression
from contacts.models import Contact

_TAKEN = (EventType.QUEUED, EventType.SENT, EventType.DELIVERED)
_NO_SUCH_ADDRESS = (RejectReason.INVALID, RejectReason.BOUNCED)
# Nobody knew yet whether the provider had it.
_OPEN = Q(status__in=[Email.Status.HANDING_OVER, Email.Status.UNCERTAIN]) | Q(
    status=Email.Status.PREPARED, times_uncertain__gt=0
)


@receiver(tracking, dispatch_uid="automations.emails.webhooks")
def note_event(event: AnymailTrackingEvent, **_: Any) -> None:
    """Note what happened to an email.

    Opens and clicks that a provider counts are not noted: the hub counts those of contacts who
    agree to it, and no others.
    """
    with transaction.atomic():
        email = _email_of(event)
        if email is not None:
            _note(email, event)


def _note(email: Email, event: AnymailTrackingEvent) -> None:
    said = without_addresses(event.mta_response or event.description or "")
    if event.event_type in _TAKEN:
        note_sent(list(Email.objects.filter(_OPEN, pk=email.pk)), timezone.now())
    elif event.event_type == EventType.COMPLAINED or event.reject_reason == RejectReason.SPAM:
        note_complaint(email, said, event.timestamp)
    elif event.event_type == EventType.BOUNCED:
        note_bounce(email, _severity(event), said, event.timestamp)
    elif event.event_type in (EventType.REJECTED, EventType.FAILED):
        email.status = Email.Status.FAILED
        email.reason = f"The provider has not sent it: {said or event.reject_reason or 'no reason'}"
        email.save(update_fields=["status", "reason"])
        if event.event_type == EventType.REJECTED:
            note_bounce(email, _severity(event), said, event.timestamp)
    elif event.event_type == EventType.UNSUBSCRIBED:
        _unsubscribe(email)


def _severity(event: AnymailTrackingEvent) -> Severity:
    if code := enhanced_code(event.mta_response or ""):
        return severity_of(code)
    return Severity.HARD if event.reject_reason in _NO_SUCH_ADDRESS else Severity.SOFT


def _unsubscribe(email: Email) -> None:
    if email.consent_id is None:
        # There is no consent to take back, and the provider would send nothing more either.
        suppress(email.recipient, Suppression.Reason.UNSUBSCRIBED)
        return
    with contextlib.suppress(Contact.DoesNotExist):
        unsubscribe(email, languages_of(email.contact_id))


def _email_of(event: AnymailTrackingEvent) -> Email | None:
    """The email that an event is of, locked."""
    emails = Email.objects.defer("html", "text")
    given = (event.message_id or "").replace("\0", "")
    ways = (
        {"message_id": (event.metadata or {}).get(METADATA)},
        {"provider_id": given},
        {"message_id": given.strip("<>")},
    )
    for way in ways:
        if all(way.values()) and (found := emails.filter(**way).first()):
            return lock_email(found)
    return None
