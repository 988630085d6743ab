"""The ledger: who agreed to what, when, and to which exact words."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from channels.models import Channel
from consents.models import LONGEST_WAY, Consent, ConsentAgreement
from consents.permission import SAYS
from consents.texts import find_text
from contacts.merging import lock_live
from contacts.models import Contact
from database.cursors import array_of
from database.questions import Question, ask

# The text of the consent's default language that people could read then. Of an answer without a
# time it is not known when it was given: then it is the one that is current now.
_ADD_MANY = """
INSERT INTO consents_consentagreement
    (contact_id, consent_id, agreed, at, text_id, import_id, place)
SELECT given.contact_id, %(consent)s, given.agreed, COALESCE(given.said_at, %(now)s),
    CASE WHEN given.said_at IS NULL THEN %(text)s ELSE (
        SELECT id FROM consents_consenttext AS text
        WHERE text.consent_id = %(consent)s AND lower(text.language) = lower(%(language)s)
            AND text.created_at <= given.said_at
            AND COALESCE(text.superseded_at > given.said_at, true)
        ORDER BY text.id DESC LIMIT 1
    ) END,
    %(import)s, given.place
FROM ({given}) AS given ORDER BY given.contact_id
"""


class Answer(NamedTuple):
    """What a contact said to a consent, and when.

    `agreed` is None where it was a yes to an earlier text, and such a yes counts no more.
    """

    agreed: bool | None
    at: datetime


@transaction.atomic
def record_agreements(
    contacts: Collection[Contact],
    answers: Mapping[Consent, bool],
    *,
    channel: Channel | None = None,
    tracked_site_id: int | None = None,
    language: str = "",
    request_id: UUID | None = None,
    came_by: str = "",
    at: datetime | None = None,
    only_news: bool = False,
) -> list[ConsentAgreement]:
    """Add what each of `contacts` answers to the texts that are current in `language` now.

    Every door agrees and revokes by this. Revoking what was never agreed to is recorded as well: it
    is what the person said. With `only_news`, for formats that say again and again what still
    holds, only what `is_news` is added.

    :raises Contact.DoesNotExist: if one of the contacts was erased
    """
    live = dict.fromkeys(lock_live(*(contact.pk for contact in contacts)))
    texts = {consent: find_text(consent, language) for consent in answers}
    at = at or timezone.now()
    pairs = [(contact, consent) for contact in live for consent in answers]
    if only_news:
        last = last_answers([(contact.pk, consent.pk) for contact, consent in pairs])
        pairs = [
            (contact, consent)
            for contact, consent in pairs
            if is_news(Answer(answers[consent], at), last.get((contact.pk, consent.pk)))
        ]
    return ConsentAgreement.objects.bulk_create(
        ConsentAgreement(
            contact=contact,
            consent=consent,
            agreed=answers[consent],
            at=at,
            text=texts[consent],
            channel=channel,
            tracked_site_id=tracked_site_id,
            request_id=request_id,
            came_by=came_by[:LONGEST_WAY],
        )
        for contact, consent in pairs
    )


def record_agreement(
    contact: Contact, consent: Consent, *, agreed: bool, **where: Any
) -> ConsentAgreement:
    """Add what one contact answers to one consent, as `record_agreements` does."""
    (agreement,) = record_agreements([contact], {consent: agreed}, **where)
    return agreement


def record_many(given: str, params: Mapping[str, Any], consent: Consent, *, import_id: int) -> int:
    """Add what very many contacts answered to one consent, as a file says; return how many.

    The contacts are locked, and what is given is news (`is_news`).

    :param given: a query for `contact_id`, `agreed`, `said_at` (or null) and `place`
    """
    text = find_text(consent)
    about: dict[str, Any] = {
        "consent": consent.pk,
        "language": consent.default_language,
        "text": text and text.pk,
        "now": timezone.now(),
        "import": import_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD_MANY.format(given=given), {**params, **about})
        return cursor.rowcount


def is_news(answer: Answer, last: Answer | None) -> bool:
    """Whether `answer` changes what counted before it, which was `last`.

    A no to what was never agreed to changes nothing. After a yes that counts no more, both do.
    """
    if last is None:
        return bool(answer.agreed)
    return answer.at > last.at and answer.agreed != last.agreed


def is_agreed(contact: Contact | int, consent: Consent) -> bool:
    """Whether the last answer of `contact`, or of the one with that id, to `consent` was yes."""
    contact_id = contact if isinstance(contact, int) else contact.pk
    return any(answer.agreed for answer in last_answers([(contact_id, consent.pk)]).values())


def last_answers(asked: Collection[tuple[int, int]]) -> dict[tuple[int, int], Answer]:
    """The answers that count, by the ids of contact and consent; one query for all of them.

    Contacts that have not answered are left out.
    """
    if not asked:
        return {}
    (answers,) = ask(answers_to(asked))
    return answers


def answers_to(asked: Collection[tuple[int, int]]) -> Question[dict[tuple[int, int], Answer]]:
    """Asks for the answers that count, by the ids of contact and consent."""
    contact_ids, consent_ids = zip(*asked, strict=True) if asked else ((), ())
    return Question(
        f"SELECT contact_id, consent_id, {SAYS}, at"  # noqa: S608 -- of words of our own
        " FROM unnest(%s::bigint[], %s::bigint[]) AS asked (contact_id, consent_id)"
        " JOIN consents_currentanswer AS answer USING (contact_id, consent_id)",
        [array_of(contact_ids), array_of(consent_ids)],
        _read_answers,
    )


def _read_answers(rows: list[tuple]) -> dict[tuple[int, int], Answer]:
    return {(contact_id, consent_id): Answer(*last) for contact_id, consent_id, *last in rows}
