"""The answers that count now: they follow the ledger, whatever happens to it."""

import importlib
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.erasing import erase_contact
from consents.admin.consent import agreed_count
from consents.agreements import Answer, is_agreed, last_answers, record_agreement
from consents.models import Consent, ConsentAgreement, CurrentAnswer
from contacts.merging import CannotMerge, carry_out_merges, choose_survivor, request_merge
from contacts.models import Contact, ContactMerge
from tests.factories import make_consent, make_contact
from tests.plans import plan_of
from tests.threads import run_at_once, wait_until_somebody_waits

FILLING = "0005_answers_of_before"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def plain_answers():
    """The agreements that count, found one by one in the ledger."""
    latest = {}
    for agreement in ConsentAgreement.objects.order_by("at", "pk"):
        latest[agreement.contact_id, agreement.consent_id] = agreement
    return latest


def assert_answers_follow_the_ledger():
    plain = plain_answers()
    kept = {(one.contact_id, one.consent_id): one for one in CurrentAnswer.objects.all()}
    assert {pair: one.agreement_id for pair, one in kept.items()} == {
        pair: one.pk for pair, one in plain.items()
    }
    assert last_answers([*plain, (0, 0)]) == {
        pair: Answer(one.agreed, one.at) for pair, one in plain.items()
    }
    assert {pair: one.text_id for pair, one in kept.items()} == {
        pair: one.text_id for pair, one in plain.items()
    }
    for consent_id in {consent_id for _, consent_id in plain}:
        agreeing = CurrentAnswer.objects.agreeing_to(consent_id).values("contact")
        assert set(Contact.objects.filter(pk__in=agreeing).values_list("pk", flat=True)) == {
            pair[0] for pair, one in plain.items() if pair[1] == consent_id and one.agreed
        }


def merge(one, other):
    with suppress(CannotMerge, Contact.DoesNotExist):
        survivor, loser = choose_survivor(one, other)
        reason = ContactMerge.Reason.MARKETER
        carry_out_merges([request_merge(survivor=survivor, loser=loser, reason=reason).pk])


def take_back(person):
    """Give a merged contact everything back, as undoing its merge does."""
    if person.merged_into_id is not None:
        ledger = ConsentAgreement.objects.filter(contact=person.merged_into)
        ledger.filter(request_id=person.guid).update(contact=person)


WHO, WHAT = st.integers(0, 3), st.integers(0, 1)
ANSWER = st.tuples(WHO, WHAT, st.booleans(), st.integers(0, 4))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), ANSWER),
        st.tuples(st.just("load"), st.lists(ANSWER, max_size=6)),
        st.tuples(st.just("merge"), st.tuples(WHO, WHO)),
        st.tuples(st.just("take back"), WHO),
        st.tuples(st.just("erase"), WHO),
    ),
    max_size=12,
)


class World:
    """Some people who answer, become one, part again, and are forgotten."""

    def __init__(self):
        self.people = [make_contact() for _ in range(4)]
        self.consents = [make_consent("Tracking"), make_consent("Newsletter")]

    def step(self, what, how):
        with suppress(Contact.DoesNotExist), transaction.atomic():
            getattr(self, what.replace(" ", "_"))(how)

    def answer(self, answer):
        who, what, agreed, hour = answer
        person = self.people[who]
        record_agreement(
            person,
            self.consents[what],
            agreed=agreed,
            at=NOON + timedelta(hours=hour),
            request_id=person.guid,
        )

    def load(self, answers):
        ConsentAgreement.objects.bulk_create(
            ConsentAgreement(
                contact=self.people[who],
                consent=self.consents[what],
                agreed=agreed,
                at=NOON + timedelta(hours=hour),
                request_id=self.people[who].guid,
            )
            for who, what, agreed, hour in answers
            if Contact.objects.filter(pk=self.people[who].pk).exists()
        )

    def merge(self, pair):
        one, other = (self.people[who] for who in pair)
        for person in (one, other):
            person.refresh_from_db()
        merge(one, other)

    def take_back(self, who):
        self.people[who].refresh_from_db()
        take_back(self.people[who])

    def erase(self, who):
        erase_contact(self.people[who].pk)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_current_answers_are_those_of_the_ledger(steps):
    with transaction.atomic():
        world = World()
        for what, how in steps:
            world.step(what, how)
            assert_answers_follow_the_ledger()
        # Keys to what is gone would be found at the commit.
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_later_answer_of_two_contacts_who_became_one_counts():
    survivor, loser, consent = make_contact(), make_contact(), make_consent()
    record_agreement(survivor, consent, agreed=False, at=NOON)
    record_agreement(loser, consent, agreed=True, at=NOON + timedelta(hours=1))
    record_agreement(loser, consent, agreed=False, at=NOON - timedelta(hours=1))

    merge(survivor, loser)

    assert is_agreed(survivor, consent) is True
    assert not CurrentAnswer.objects.filter(contact=loser).exists()


@pytest.mark.django_db(transaction=True)
def test_current_answers_are_those_of_the_ledger_after_many_at_once():
    survivor, loser, consent = make_contact(email="ann@example.com"), make_contact(), make_consent()

    def answer(contact, *answers):
        for agreed in answers:
            record_agreement(contact, consent, agreed=agreed)

    def add(contact, hours):
        """As code does that goes past our functions, and locks nobody."""
        for hour in hours:
            ConsentAgreement.objects.create(
                contact=contact, consent=consent, agreed=hour % 2, at=NOON + timedelta(hours=hour)
            )

    run_at_once(
        *[lambda contact=one: answer(contact, True, False, True) for one in (survivor, loser)],
        *[lambda hours=some: add(survivor, hours) for some in (range(20), range(19, 0, -1))],
        lambda: merge(survivor, loser),
    )

    assert ConsentAgreement.objects.count() == 45
    assert_answers_follow_the_ledger()
    assert CurrentAnswer.objects.get().contact == survivor


@pytest.mark.django_db(transaction=True)
def test_an_earlier_answer_that_waited_for_a_later_one_does_not_count():
    contact, consent = make_contact(), make_consent()
    is_later_written = threading.Event()

    def add(hour):
        ConsentAgreement.objects.create(
            contact=contact, consent=consent, agreed=hour > 0, at=NOON + timedelta(hours=hour)
        )

    def write_later():
        with transaction.atomic():
            add(1)
            is_later_written.set()
            wait_until_somebody_waits()

    def write_earlier():
        assert is_later_written.wait(10)
        add(0)

    run_at_once(write_later, write_earlier)

    assert is_agreed(contact, consent) is True
    assert_answers_follow_the_ledger()


@pytest.mark.django_db(transaction=True)
def test_ledger_of_before_has_its_current_answers_after_the_upgrade(monkeypatch):
    filling = importlib.import_module(f"consents.migrations.{FILLING}")
    monkeypatch.setattr(filling, "_AT_ONCE", 3)
    people, consents = [make_contact() for _ in range(5)], [make_consent("A"), make_consent("B")]
    for number in range(24):
        ConsentAgreement.objects.create(
            contact=people[number * number % 5],
            consent=consents[number % 2],
            agreed=number % 3 > 0,
            at=NOON + timedelta(hours=number * 7 % 24),
            text=consents[number % 2].texts.get(),
        )
    # As long as the triggers were not there yet.
    CurrentAnswer.objects.all().delete()

    with connection.schema_editor(atomic=False) as editor:
        filling.keep_current_answers(apps, editor)

    assert CurrentAnswer.objects.count() == len(plain_answers()) == 6
    assert_answers_follow_the_ledger()


@pytest.mark.django_db
def test_answers_of_many_contacts_are_one_query(django_assert_num_queries):
    people, consent = [make_contact() for _ in range(30)], make_consent()
    for number, contact in enumerate(people[:20]):
        record_agreement(contact, consent, agreed=number < 10)

    with django_assert_num_queries(1):
        answers = last_answers([(contact.pk, consent.pk) for contact in people])
    with django_assert_num_queries(1):
        agreeing = CurrentAnswer.objects.agreeing_to(consent).values("contact")
        assert list(Contact.objects.filter(pk__in=agreeing).order_by("pk")) == people[:10]

    assert [contact.pk for contact in people if (contact.pk, consent.pk) in answers] == [
        contact.pk for contact in people[:20]
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "ask",
    [
        lambda consent: CurrentAnswer.objects.agreeing_to(consent).values("contact"),
        lambda consent: CurrentAnswer.objects.agreeing_to(consent).values("contact", "text"),
        lambda consent: CurrentAnswer.objects.agreeing_to(consent).filter(contact__gt=7).order_by(
            "contact"
        ).values("contact")[:100],
    ],
    ids=["contacts", "to a text", "some contacts"],
)  # fmt: skip
def test_contacts_who_agree_are_read_from_an_index_alone(ask):
    """However many there are: nothing but the entries of those who agree is read."""
    consent = make_consent()
    for number in range(20):
        record_agreement(make_contact(), consent, agreed=number % 4 == 0)

    plan = plan_of(ask(consent), without=("seqscan", "bitmapscan"))

    assert "Index Only Scan using contacts_who_agree" in plan
    assert "Filter" not in plan
    assert "consents_currentanswer" in plan
    assert plan.count("consents_currentanswer") == plan.count("contacts_who_agree")


@pytest.mark.django_db
def test_contacts_who_agree_to_each_consent_are_counted_by_an_index_alone():
    consent = make_consent()
    for _ in range(20):
        record_agreement(make_contact(), consent, agreed=True)

    counted = Consent.objects.values(agreed=agreed_count())
    plan = plan_of(counted, without=("seqscan", "bitmapscan"), analyze=True)

    # What is asked of consents whose earlier texts do not count is there, and not done.
    usual, strict = plan.split("SubPlan")[1:]
    assert "Index Only Scan using contacts_who_agree" in usual
    assert "Filter" not in usual
    assert "never executed" in strict
    assert [row["agreed"] for row in counted] == [20]
