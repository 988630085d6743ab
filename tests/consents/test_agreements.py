"""The ledger of agreements: added, never edited; the last answer counts."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from consents.agreements import is_agreed, record_agreement
from consents.models import ConsentAgreement
from consents.texts import find_text, save_text
from tests.factories import make_channel, make_consent, make_contact

pytestmark = pytest.mark.django_db


def test_contact_who_never_answered_has_not_agreed():
    assert is_agreed(make_contact(), make_consent()) is False


def test_last_answer_counts():
    contact, consent = make_contact(), make_consent()

    statuses = []
    for agreed in (True, False, False, True):
        record_agreement(contact, consent, agreed=agreed)
        statuses.append(is_agreed(contact, consent))

    assert statuses == [True, False, False, True]
    assert ConsentAgreement.objects.count() == 4


def test_last_of_two_answers_of_one_moment_counts():
    contact, consent = make_contact(), make_consent()
    record_agreement(contact, consent, agreed=True)
    agreement = ConsentAgreement.objects.get()

    ConsentAgreement.objects.create(
        contact=contact, consent=consent, agreed=False, at=agreement.at, text=agreement.text
    )

    assert is_agreed(contact, consent) is False


def test_agreements_to_two_consents_are_apart():
    contact = make_contact()
    tracking, newsletter = make_consent("Tracking"), make_consent("Newsletter")

    record_agreement(contact, tracking, agreed=True)

    assert is_agreed(contact, tracking) is True
    assert is_agreed(contact, newsletter) is False


def test_agreement_keeps_where_it_came_from():
    contact, consent, channel, request_id = make_contact(), make_consent(), make_channel(), uuid4()

    agreement = record_agreement(
        contact, consent, agreed=True, channel=channel, request_id=request_id
    )

    agreement.refresh_from_db()
    assert agreement.channel == channel
    assert agreement.request_id == request_id
    assert timezone.now() - agreement.at < timedelta(seconds=10)


def test_agreement_keeps_the_exact_text_that_was_shown():
    contact = make_contact()
    consent = make_consent(texts={"en": "First", "de": "Erster"})
    record_agreement(contact, consent, agreed=True, language="de-AT")
    save_text(consent, language="de", short_text="Zweiter")

    record_agreement(contact, consent, agreed=True, language="de-AT")
    record_agreement(contact, consent, agreed=False)

    texts = ConsentAgreement.objects.order_by("pk").values_list(
        "text__language", "text__version", "text__short_text"
    )
    assert list(texts) == [("de", 1, "Erster"), ("de", 2, "Zweiter"), ("en", 1, "First")]


def test_agreement_outlives_a_change_of_the_text():
    contact, consent = make_contact(), make_consent()
    record_agreement(contact, consent, agreed=True)

    save_text(consent, language="en", short_text="Something else")

    assert is_agreed(contact, consent) is True


def test_answer_to_a_consent_without_text_is_kept():
    contact, consent = make_contact(), make_consent()
    consent.texts.all().delete()

    agreement = record_agreement(contact, consent, agreed=True)

    assert agreement.text is None
    assert is_agreed(contact, consent) is True


def test_answer_of_a_merged_contact_is_the_survivors():
    survivor, consent = make_contact(), make_consent()
    loser = make_contact(merged_into=survivor)

    record_agreement(loser, consent, agreed=True)

    assert ConsentAgreement.objects.get().contact == survivor
    assert is_agreed(survivor, consent) is True


def changes():
    return {
        "agreed": False,
        "at": timezone.now() - timedelta(days=1),
        "text": None,
        "channel": make_channel(),
        "request_id": uuid4(),
        "consent": make_consent("Another"),
    }


@pytest.mark.parametrize("name", ["agreed", "at", "text", "channel", "request_id", "consent"])
def test_database_refuses_to_edit_an_agreement(name):
    agreement = record_agreement(make_contact(), make_consent(), agreed=True)
    before = ConsentAgreement.objects.values().get()

    with pytest.raises(IntegrityError, match="never edited"), transaction.atomic():
        ConsentAgreement.objects.filter(pk=agreement.pk).update(**{name: changes()[name]})

    assert ConsentAgreement.objects.values().get() == before


def test_merging_may_give_an_agreement_another_contact():
    agreement = record_agreement(make_contact(), make_consent(), agreed=True)
    survivor = make_contact()

    ConsentAgreement.objects.filter(pk=agreement.pk).update(contact=survivor)

    assert ConsentAgreement.objects.get().contact == survivor


def test_text_that_somebody_agreed_to_cannot_be_deleted():
    consent = make_consent()
    record_agreement(make_contact(), consent, agreed=True)

    with pytest.raises(ProtectedError):
        find_text(consent).delete()
    with pytest.raises(ProtectedError):
        consent.delete()


def test_consents_differ_whatever_their_letter_case():
    make_consent("TrackingConsent")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_consent("trackingconsent")
