"""What the readers of emails answer to consents, by the links in them.

The ledger keeps the id in the Message-ID as the request of such an answer: it proves by which email
it came, and the list of agreements is searched by it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from activities.models import Activity
from automations.emails.links import message_of
from automations.models import Email, EmailEvent, Run, Template
from consents.agreements import is_agreed, last_answers, record_agreements
from consents.models import Consent, ConsentAgreement, ConsentText, CurrentAnswer
from consents.texts import choose_text
from contacts.erased_names import Names, lift
from contacts.merging import lock_live
from contacts.models import Contact


@dataclass(frozen=True)
class Choice:
    """A consent that a contact may give or take back, with its text in a language they read.

    :ivar text: None if the consent has none any more
    """

    consent: Consent
    text: ConsentText | None
    agreed: bool


@dataclass(frozen=True)
class Given:
    """A choice as a reader has made it on the page that showed them `text_id`."""

    consent_id: int
    text_id: int | None
    agreed: bool


def languages_of(contact_id: int) -> list[str]:
    """The language of the text that a contact has last agreed to, if there is one."""
    agreed = CurrentAnswer.objects.filter(contact=contact_id, agreed=True, text__isnull=False)
    return list(agreed.order_by("-at").values_list("text__language", flat=True)[:1])


def choices_of(contact_id: int, languages: Sequence[str]) -> list[Choice]:
    """What a contact may choose: the consents that templates need, and those it has answered.

    One without a text can only be taken back, so it is there only for contacts who agree to it.
    """
    known = CurrentAnswer.objects.filter(contact=contact_id).with_whether_they_count()
    answers = {
        consent_id: agreed and counts
        for consent_id, agreed, counts in known.values_list("consent", "agreed", "counts")
    }
    consents = Consent.objects.filter(pk__in={*answers, *_needed_by_templates()})
    texts = defaultdict(list)
    for text in ConsentText.objects.filter(consent__in=consents, superseded_at__isnull=True):
        texts[text.consent_id].append(text)
    choices = [
        Choice(
            consent,
            choose_text(consent, texts[consent.pk], languages),
            answers.get(consent.pk, False),
        )
        for consent in consents.order_by("name", "pk")
    ]
    return [choice for choice in choices if choice.text or choice.agreed]


@transaction.atomic
def unsubscribe(email: Email, languages: Sequence[str]) -> None:
    """Take back the consent that this email needed; nothing if it is taken back already.

    :raises Contact.DoesNotExist: if the contact was erased
    """
    contact = _contact_of(email)
    consent = email.consent
    if consent is not None and _answers(contact, [consent]).get(consent.pk) is not False:
        _record(email, contact, {consent: False}, languages)


@transaction.atomic
def choose(email: Email, given: Collection[Given], languages: Sequence[str]) -> bool:
    """Record what a reader has chosen, as far as it is news; tell whether it all could be.

    It could not where the text that the reader has agreed to is no longer the current one: they
    have to read the new one.

    :raises Contact.DoesNotExist: if the contact was erased
    """
    contact = _contact_of(email)
    consents = Consent.objects.in_bulk([one.consent_id for one in given])
    before = _answers(contact, consents.values())
    texts = ConsentText.objects.filter(superseded_at__isnull=True).in_bulk(
        [one.text_id for one in given if one.text_id]
    )
    news = [
        one
        for one in given
        if one.consent_id in consents and one.agreed != before.get(one.consent_id, False)
    ]
    agreed: dict[str, dict[Consent, bool]] = defaultdict(dict)
    for one in news:
        text = texts.get(one.text_id) if one.text_id else None
        if one.agreed and text and text.consent_id == one.consent_id:
            agreed[text.language][consents[one.consent_id]] = True
    for language, answers in agreed.items():
        _record(email, contact, answers, [language])
    revoked = {consents[one.consent_id]: False for one in news if not one.agreed}
    _record(email, contact, revoked, languages)
    return sum(map(len, agreed.values())) + len(revoked) == len(news)


@transaction.atomic
def take_back_everything(email: Email, languages: Sequence[str]) -> None:
    """Revoke all that the contact of this email agrees to.

    :raises Contact.DoesNotExist: if the contact was erased
    """
    contact = _contact_of(email)
    agreed = CurrentAnswer.objects.filter(contact=contact, agreed=True).values("consent")
    consents = Consent.objects.filter(pk__in=agreed)
    _record(email, contact, dict.fromkeys(consents, False), languages)


@transaction.atomic
def confirm(email: Email, consent: Consent, text_id: int) -> bool:
    """Record that the reader agrees to this text; False if it is no longer the current one.

    The place is the one where the contact has done what the email follows from, such as the
    website with the form.

    :raises Contact.DoesNotExist: if the contact was erased
    """
    contact = _contact_of(email)
    if _answers(contact, [consent]).get(consent.pk):
        return True
    text = consent.texts.filter(pk=text_id, superseded_at__isnull=True).first()
    if text is None:
        return False
    _record(email, contact, {consent: True}, [text.language], **_place_of(email.run))
    return True


def is_agreed_by_reader(email: Email, consent: Consent) -> bool:
    """Whether the contact of this email agrees to a consent now."""
    return is_agreed(email.contact_id, consent)


def _contact_of(email: Email) -> Contact:
    (contact,) = lock_live(email.contact_id)
    return contact


def _answers(contact: Contact, consents: Collection[Consent]) -> dict[int, bool | None]:
    found = last_answers([(contact.pk, consent.pk) for consent in consents])
    return {consent_id: answer.agreed for (_, consent_id), answer in found.items()}


def _record(
    email: Email,
    contact: Contact,
    answers: Mapping[Consent, bool],
    languages: Sequence[str],
    **where: Any,
) -> None:
    if not answers:
        return
    record_agreements(
        [contact],
        answers,
        language=next(iter(languages), ""),
        request_id=message_of(email.message_id),
        came_by="A link in an email",
        **where,
    )
    if any(answers.values()):
        # By a page that the person has opened: what was erased of them may be theirs again.
        emails = [contact.email] if contact.email else []
        lift(Names(guids=[str(contact.guid)], emails=emails))
    if email.consent and answers.get(email.consent) is False:
        EmailEvent.objects.create(
            email=email,
            contact=contact,
            template=email.template,
            kind=EmailEvent.Kind.UNSUBSCRIBED,
        )


def _needed_by_templates() -> set[int]:
    needed = Template.objects.values_list("consent", "open_consent", "click_consent")
    return {consent_id for ids in needed.distinct() for consent_id in ids if consent_id}


def _place_of(run: Run | None) -> dict[str, Any]:
    """Where what began a run was recorded, as agreements have it; nothing if it has no place."""
    logs: dict[str, Any] = {
        Run.Cause.ACTIVITY: Activity.objects,
        Run.Cause.CONSENT: ConsentAgreement.objects,
    }
    if run is None or run.cause not in logs:
        return {}
    row = logs[run.cause].filter(pk=run.cause_id).select_related("channel").first()
    return {"channel": row.channel, "tracked_site_id": row.tracked_site_id} if row else {}
