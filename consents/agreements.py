"""The ledger: who agreed to what, when, and to which exact words."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from channels.models import Channel
from consents.models import Consent, ConsentAgreement
from consents.texts import find_text
from contacts.merging import lock_live
from contacts.models import Contact


@transaction.atomic
def record_agreement(
    contact: Contact,
    consent: Consent,
    *,
    agreed: bool,
    channel: Channel | None = None,
    tracked_site_id: int | None = None,
    language: str = "",
    request_id: UUID | None = None,
    at: datetime | None = None,
) -> ConsentAgreement:
    """Add an answer of `contact` to the text that is current in `language` now.

    Revoking what was never agreed to is recorded as well: it is what the person said.
    """
    (contact,) = lock_live(contact.pk)
    return ConsentAgreement.objects.create(
        contact=contact,
        consent=consent,
        agreed=agreed,
        at=at or timezone.now(),
        text=find_text(consent, language),
        channel=channel,
        tracked_site_id=tracked_site_id,
        request_id=request_id,
    )


def is_agreed(contact: Contact | int, consent: Consent) -> bool:
    """Whether the last answer of `contact` to `consent` was yes."""
    last = find_last_answer(contact, consent)
    return last is not None and last.agreed


def has_revoked(contact: Contact | int, consent: Consent) -> bool:
    """Whether the last answer of `contact` to `consent` was no."""
    last = find_last_answer(contact, consent)
    return last is not None and not last.agreed


def find_last_answer(contact: Contact | int, consent: Consent) -> ConsentAgreement | None:
    """The answer of `contact`, or of who has that id, that counts; None if there was none."""
    answers = ConsentAgreement.objects.filter(contact=contact, consent=consent)
    return answers.order_by("-at", "-id").first()
