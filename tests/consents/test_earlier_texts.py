"""A yes to an earlier text of a consent is no answer, if earlier texts do not count: everywhere."""

import json
import uuid

import pytest

from activities.recording import Source, record_activities
from automations.emails.permission import obstacles as obstacles_to_emails
from automations.emails.permission import who_agrees
from consents.agreements import (
    Answer,
    is_agreed,
    is_news,
    last_answers,
    record_agreement,
    record_agreements,
)
from consents.models import Consent, ConsentAgreement, CurrentAnswer
from consents.texts import save_text, withdraw_text
from destinations.models import Destination
from destinations.permission import obstacles as obstacles_to_telling
from tests.factories import make_channel, make_consent, make_contact
from tracking.headless.translation import read_activities, read_members

pytestmark = pytest.mark.django_db


def renew(consent, language="en", text="<p>Something else</p>"):
    return save_text(consent, language=language, short_text=text)


@pytest.fixture
def strict():
    return make_consent(older_versions_count=False, texts={"en": "<p>May we?</p>", "de": "Ja?"})


def agreeing(consent, **where):
    contact = make_contact(email=f"{uuid.uuid4().hex[:8]}@example.com")
    record_agreement(contact, consent, agreed=True, **where)
    return contact


def who_agrees_by_table(consent):
    return set(CurrentAnswer.objects.agreeing_to(consent).values_list("contact", flat=True))


def test_earlier_texts_count_unless_somebody_says_otherwise():
    consent = make_consent()
    contact = agreeing(consent)
    renew(consent)

    assert Consent.objects.get().older_versions_count
    assert is_agreed(contact, consent)
    assert who_agrees_by_table(consent) == {contact.pk}


def test_whoever_agreed_to_an_earlier_text_agrees_no_more(strict):
    contact, german = agreeing(strict), agreeing(strict, language="de")
    revoking = agreeing(strict)
    record_agreement(revoking, strict, agreed=False)

    renew(strict)

    answers = last_answers([(one.pk, strict.pk) for one in (contact, german, revoking)])
    assert [answers[one.pk, strict.pk].agreed for one in (contact, german, revoking)] == [
        *(None, True, False)
    ]
    assert not is_agreed(contact, strict)
    assert who_agrees_by_table(strict) == {german.pk}
    assert who_agrees([contact.pk, german.pk], strict.pk) == {german.pk}
    counts = CurrentAnswer.objects.with_whether_they_count().values_list("contact", "counts")
    assert dict(counts) == {contact.pk: False, german.pk: True, revoking.pk: True}


def test_a_new_answer_to_the_new_text_counts_and_the_ledger_keeps_both(strict):
    contact = agreeing(strict)
    renew(strict)

    record_agreement(contact, strict, agreed=True)

    assert is_agreed(contact, strict)
    assert ConsentAgreement.objects.filter(contact=contact, agreed=True).count() == 2


def test_the_switch_counts_at_once_in_both_directions(strict):
    contact = agreeing(strict)
    renew(strict)

    Consent.objects.update(older_versions_count=True)
    assert is_agreed(contact, strict)
    Consent.objects.update(older_versions_count=False)
    assert not is_agreed(contact, strict)


def test_a_text_that_was_withdrawn_is_an_earlier_one(strict):
    contact = agreeing(strict, language="de")

    withdraw_text(strict.texts.get(language="de"))

    assert not is_agreed(contact, strict)


def test_a_yes_from_before_there_was_a_text_counts():
    consent = Consent.objects.create(code_name="a", name="A", older_versions_count=False)
    contact = agreeing(consent)

    renew(consent)

    assert is_agreed(contact, consent)
    assert who_agrees_by_table(consent) == {contact.pk}


@pytest.mark.parametrize("agreed", [True, False])
def test_any_answer_after_a_yes_that_counts_no_more_is_news(strict, agreed):
    contact = agreeing(strict)
    renew(strict)
    last = last_answers([(contact.pk, strict.pk)])[contact.pk, strict.pk]

    record_agreements([contact], {strict: agreed}, only_news=True)

    assert is_news(Answer(agreed, ConsentAgreement.objects.latest("pk").at), last)
    assert ConsentAgreement.objects.filter(contact=contact).count() == 2


def test_no_email_goes_to_whoever_agreed_to_an_earlier_text(strict):
    contact = agreeing(strict)
    assert obstacles_to_emails([contact.pk], consent_id=strict.pk) == {}

    renew(strict)

    reason = "The contact has not agreed to “Tracking consent”."
    assert obstacles_to_emails([contact.pk], consent_id=strict.pk) == {contact.pk: reason}


def test_no_destination_is_told_of_whoever_agreed_to_an_earlier_text(strict):
    contact, crm = agreeing(strict), Destination(pk=1, consent=strict)
    assert obstacles_to_telling(crm, [contact.pk]) == {}

    renew(strict)

    reason = "The contact has not agreed to “Tracking consent”."
    assert obstacles_to_telling(crm, [contact.pk]) == {contact.pk: reason}


def test_a_channel_that_enforces_the_consent_asks_for_the_current_text(strict):
    channel = make_channel(tracking_consent=strict, enforce_consent=True)
    contact = agreeing(strict)

    before = report(contact, channel)
    renew(strict)
    after = report(contact, channel)
    record_agreement(contact, strict, agreed=True)

    assert (before, after, report(contact, channel)) == ("", "consent", "")


def report(contact, channel):
    visit = {"type": "pagevisit", "value": "Home", "url": "https://example.com/"}
    body = read_members(json.dumps({"activities": [visit]}).encode())
    source = Source(door="headless", channel=channel, request_id=uuid.uuid4())
    (outcome,) = record_activities(read_activities(body), contact_guid=contact.guid, source=source)
    return outcome.problem.code if outcome.problem else ""
