"""The ledger: who agreed to what, when, and to which exact words."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from channels.cursors import array_of, preparing_cursor
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


def last_answers(asked: Collection[tuple[int, int]]) -> dict[tuple[int, int], bool]:
    """Whether the answer that counts is a yes, for these ids of a contact and a consent.

    Who has not answered is not in it. Use it within `connection.wrap_database_errors`.
    """
    contact_ids, consent_ids = zip(*asked, strict=True)
    with preparing_cursor() as cursor:
        cursor.execute(
            "SELECT asked.contact_id, asked.consent_id, last.agreed"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS asked (contact_id, consent_id),"
            " LATERAL (SELECT agreed FROM consents_consentagreement AS agreement"
            " WHERE agreement.contact_id = asked.contact_id"
            " AND agreement.consent_id = asked.consent_id"
            " ORDER BY at DESC, id DESC LIMIT 1) AS last",
            [array_of(contact_ids), array_of(consent_ids)],
        )
        return {(contact, consent): agreed for contact, consent, agreed in cursor.fetchall()}


def find_last_answer(contact: Contact | int, consent: Consent) -> ConsentAgreement | None:
    """The answer of `contact`, or of who has that id, that counts; None if there was none."""
    answers = ConsentAgreement.objects.filter(contact=contact, consent=consent)
    return answers.order_by("-at", "-id").first()
