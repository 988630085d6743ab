"""The ledger of agreements: added, never edited; the last answer counts."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from activities.erasing import erase_contact
from consents.agreements import Answer, is_agreed, is_news, record_agreement, record_agreements
from consents.models import ConsentAgreement
from consents.texts import find_text, save_text
from contacts.models import Contact
from tests.factories import make_channel, make_consent, make_contact
from tests.threads import run_at_once, wait_until_somebody_waits

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


def test_answers_of_contacts_who_are_one_by_now_are_one_each():
    survivor, consents = make_contact(), [make_consent("Tracking"), make_consent("Newsletter")]
    loser = make_contact(merged_into=survivor)

    answers = dict(zip(consents, (True, False), strict=True))
    recorded = record_agreements([loser, survivor], answers)

    assert recorded == list(ConsentAgreement.objects.order_by("pk"))
    assert [(one.contact, one.consent, one.agreed) for one in recorded] == [
        (survivor, consents[0], True),
        (survivor, consents[1], False),
    ]
    assert recorded[0].at == recorded[1].at


def test_answers_are_recorded_of_all_contacts_or_of_none():
    contact, erased, consent = make_contact(), make_contact(), make_consent()
    erase_contact(erased.pk)

    with pytest.raises(Contact.DoesNotExist):
        record_agreements([contact, erased], {consent: False})

    assert not ConsentAgreement.objects.exists()


@pytest.mark.parametrize("count", [1, 4])
def test_answers_of_several_take_the_statements_of_one(count, django_assert_num_queries):
    consent = make_consent()
    people = [make_contact() for _ in range(count)]

    # The contacts are looked up; two savepoints; the lock, the text, the rows.
    with django_assert_num_queries(1 + 4 + 3):
        record_agreements(people, {consent: False})

    assert ConsentAgreement.objects.count() == count


YESTERDAY, TODAY = timezone.now() - timedelta(days=1), timezone.now()


@pytest.mark.parametrize(
    ("answer", "last", "expected"),
    [
        pytest.param(Answer(True, TODAY), None, True, id="first-yes"),
        pytest.param(Answer(False, TODAY), None, False, id="no-to-what-was-never-asked"),
        pytest.param(Answer(True, TODAY), Answer(False, YESTERDAY), True, id="agreed-again"),
        pytest.param(Answer(False, TODAY), Answer(True, YESTERDAY), True, id="revoked"),
        pytest.param(Answer(True, TODAY), Answer(True, YESTERDAY), False, id="the-same"),
        pytest.param(Answer(False, YESTERDAY), Answer(True, TODAY), False, id="came-late"),
        pytest.param(Answer(False, TODAY), Answer(True, TODAY), False, id="of-one-moment"),
    ],
)
def test_news_is_what_changes_the_answer_that_counts(answer, last, expected):
    assert is_news(answer, last) is expected


def test_only_news_is_recorded_where_a_format_repeats_itself():
    contact, consent, other = make_contact(), make_consent(), make_consent("Newsletter")

    counts = []
    for agreed in (False, True, True, False, False):
        recorded = record_agreements([contact], {consent: agreed, other: False}, only_news=True)
        counts.append(len(recorded))

    assert counts == [0, 1, 0, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_one_piece_of_news_that_comes_twice_at_once_is_recorded_once():
    contact, consent, is_written = make_contact(), make_consent(), threading.Event()

    def first():
        with transaction.atomic():
            recorded = record_agreements([contact], {consent: True}, only_news=True)
            is_written.set()
            wait_until_somebody_waits()
        return recorded

    def second():
        assert is_written.wait(10)
        return record_agreements([contact], {consent: True}, only_news=True)

    assert [len(recorded) for recorded in run_at_once(first, second)] == [1, 0]


@pytest.mark.django_db(transaction=True)
def test_answers_of_the_same_contacts_never_wait_in_a_circle():
    people, consents = [make_contact() for _ in range(8)], [make_consent("A"), make_consent("B")]

    def answer(people, consents):
        for number in range(10):
            record_agreements(people, dict.fromkeys(consents, number % 2 > 0))

    run_at_once(
        *[lambda: answer(people, consents)] * 2, *[lambda: answer(people[::-1], consents[::-1])] * 2
    )

    assert ConsentAgreement.objects.count() == 4 * 10 * 8 * 2
    assert all(is_agreed(contact, consent) for contact in people for consent in consents)


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
