"""Addresses that get no emails any more: after bounces, complaints, and by users."""

from datetime import datetime

from django.db import connection
from django.utils import timezone

from automations.models import Email, EmailEvent, Suppression
from contacts.emails import are_one_mailbox, mailbox

Kind, Severity = EmailEvent.Kind, EmailEvent.Severity

# So many emails in a row that come back, each for a reason that may pass, are enough.
SOFT_BOUNCES = 5
# How many emails of a contact are looked through for them.
_LOOKED_AT = 50


# What a mail server, a provider or an import said gives way to what is said later: an import can be
# undone, and must not take along what the owner of the address or a user has decided since.
_SUPPRESS = """
INSERT INTO automations_suppression AS known (email_key, reason, detail, at)
VALUES (%s, %s, %s, %s)
ON CONFLICT (email_key) DO UPDATE SET reason = EXCLUDED.reason, detail = EXCLUDED.detail
    WHERE known.reason IN (%s, %s)
RETURNING xmax = 0
"""


def key_of(address: str) -> str:
    """What all spellings of `address` have in common, as contacts have it in `email_key`."""
    return mailbox(address.strip()).lower()


def suppress(address: str, reason: Suppression.Reason, detail: str = "") -> bool:
    """Send no more emails to `address`, in all its spellings; return whether that is new.

    If it is not, the address has this reason from now on, unless a complaint of its owner or a user
    is the one that it has.
    """
    gives_way = (Suppression.Reason.BOUNCED, Suppression.Reason.UNSUBSCRIBED)
    given = (key_of(address), reason, detail, timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_SUPPRESS, [*given, *gives_way])
        found = cursor.fetchone()
    return found is not None and found[0]


def note_bounce(
    email: Email, severity: EmailEvent.Severity, detail: str, at: datetime | None = None
) -> bool:
    """Note that `email` was refused or came back; return whether that is new.

    A hard bounce suppresses the address that it went to, and so does the fifth soft one without an
    email between that did not come back. The caller has locked the email.
    """
    if not _note(email, Kind.BOUNCED, detail, at, severity=severity):
        return False
    if severity == Severity.HARD or (severity == Severity.SOFT and _is_fifth_in_a_row(email)):
        suppress(email.recipient, Suppression.Reason.BOUNCED, detail)
    return True


def note_complaint(email: Email, detail: str, at: datetime | None = None) -> bool:
    """Note that the contact reported `email` as spam; return whether that is new.

    The caller has locked the email.
    """
    suppress(email.recipient, Suppression.Reason.COMPLAINED, detail)
    return _note(email, Kind.COMPLAINED, detail, at)


def _note(
    email: Email, kind: EmailEvent.Kind, detail: str, at: datetime | None, *, severity: str = ""
) -> bool:
    """Add an event, unless the email has one of the kind and severity: reports come twice."""
    if EmailEvent.objects.filter(email=email, kind=kind, severity=severity).exists():
        return False
    EmailEvent.objects.create(
        email=email,
        contact_id=email.contact_id,
        template_id=email.template_id,
        kind=kind,
        severity=severity,
        detail=detail,
        at=at or timezone.now(),
    )
    return True


def _is_fifth_in_a_row(email: Email) -> bool:
    gone = Email.objects.filter(
        contact_id=email.contact_id, status__in=[Email.Status.SENT, Email.Status.FAILED]
    )
    newest = gone.order_by("-prepared_at", "-id").values_list("pk", "recipient")[:_LOOKED_AT]
    keys = [pk for pk, recipient in newest if are_one_mailbox(recipient, email.recipient)]
    # The one that is being noted as refused is not saved as such in every case.
    keys = keys if email.pk in keys else [email.pk, *keys]
    severities = dict(
        EmailEvent.objects.filter(email__in=keys, kind=Kind.BOUNCED).values_list(
            "email", "severity"
        )
    )
    counting = [severities.get(key, "") for key in keys]
    counting = [severity for severity in counting if severity != Severity.OTHER][:SOFT_BOUNCES]
    return len(counting) == SOFT_BOUNCES and set(counting) <= {Severity.SOFT, Severity.HARD}
