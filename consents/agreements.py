"""The ledger: who agreed to what, when, and to which exact words."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from channels.models import Channel
from consents.models import Consent, ConsentAgreement
from consents.texts import find_text
from contacts.merging import lock_live
from contacts.models import Contact
from database.cursors import array_of
from database.questions import Question, ask


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


class Answer(NamedTuple):
    """What somebody said to a consent, and when."""

    agreed: bool
    at: datetime


def is_agreed(contact: Contact | int, consent: Consent) -> bool:
    """Whether the last answer of `contact`, or of who has that id, to `consent` was yes."""
    contact_id = contact if isinstance(contact, int) else contact.pk
    return any(answer.agreed for answer in last_answers([(contact_id, consent.pk)]).values())


def last_answers(asked: Collection[tuple[int, int]]) -> dict[tuple[int, int], Answer]:
    """The answers that count, by the ids of contact and consent; one query for all of them.

    Who has not answered is not in it.
    """
    if not asked:
        return {}
    (answers,) = ask(answers_to(asked))
    return answers


def answers_to(asked: Collection[tuple[int, int]]) -> Question[dict[tuple[int, int], Answer]]:
    """Asks for the answers that count, by the ids of contact and consent."""
    contact_ids, consent_ids = zip(*asked, strict=True) if asked else ((), ())
    return Question(
        "SELECT asked.contact_id, asked.consent_id, last.agreed, last.at"
        " FROM unnest(%s::bigint[], %s::bigint[]) AS asked (contact_id, consent_id),"
        " LATERAL (SELECT agreed, at FROM consents_consentagreement AS agreement"
        " WHERE agreement.contact_id = asked.contact_id"
        " AND agreement.consent_id = asked.consent_id"
        " ORDER BY at DESC, id DESC LIMIT 1) AS last",
        [array_of(contact_ids), array_of(consent_ids)],
        _read_answers,
    )


def _read_answers(rows: list[tuple]) -> dict[tuple[int, int], Answer]:
    return {(contact_id, consent_id): Answer(*last) for contact_id, consent_id, *last in rows}
