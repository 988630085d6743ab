"""Marking deliveries and noting what came of them: in few statements, and for the right attempt."""

from datetime import timedelta

import pytest
from django.utils import timezone

from consents.agreements import record_agreements
from destinations.marking import mark_next
from destinations.models import Delivery, Destination
from destinations.noting import Tried, note
from destinations.outcomes import Outcome, Result
from tests.destinations.delivering import make_deliveries, make_delivery, make_destination
from tests.factories import make_consent, make_contact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]

DELIVERED = Outcome(Result.DELIVERED, 200, "ok")
FAILED = Outcome(Result.FAILED, 500, "no", "It answered 500.")


def mark(destination, most=100, besides=()):
    loaded = Destination.objects.select_related("consent").get(pk=destination.pk)
    return mark_next(loaded, most=most, besides=besides, now=timezone.now())


def come(delivery, outcome, *, attempts=1):
    note([Tried(delivery.pk, attempts, outcome)], timezone.now())
    delivery.refresh_from_db()
    return delivery


@pytest.mark.parametrize("count", [1, 30])
def test_marking_and_noting_take_the_same_number_of_queries_however_many_there_are(
    count, django_assert_num_queries
):
    consent = make_consent()
    destination = make_destination(consent=consent)
    contacts = [make_contact(email=f"{n}@example.com") for n in range(2 * count)]
    record_agreements(contacts[:count], {consent: True})
    for contact in contacts:
        make_delivery(destination, contact=contact)
        make_delivery(destination, contact=contact, attempts=50)
    # The destination, the deliveries, consents, two reasons not to go, the mark.
    with django_assert_num_queries(6):
        marked = mark(destination)
    results = [DELIVERED, FAILED, Outcome(Result.NOT_BEGUN)]
    tried = [
        Tried(one.pk, one.attempts, results[number % 3])
        for number, one in enumerate([*marked.deliveries] * 3)
    ]
    with django_assert_num_queries(2):
        note(tried, timezone.now())

    assert len(marked.deliveries) == count


def test_marking_leaves_out_what_is_on_its_way_and_tells_whether_there_is_more():
    made = make_deliveries(make_destination(), 4)
    marked = mark(made[0].destination, most=2, besides=[made[0].pk])

    assert [one.pk for one in marked.deliveries] == [made[1].pk, made[2].pk]
    assert not marked.is_all
    assert mark(made[0].destination, most=5, besides=[one.pk for one in made[:3]]).is_all


def test_a_delivery_that_workers_die_of_is_given_up():
    worn_out = make_delivery(make_destination(), attempts=20)

    assert list(mark(worn_out.destination).deliveries) == []
    worn_out.refresh_from_db()
    assert (worn_out.status, worn_out.attempts) == ("failed", 20)
    assert "the worker ended" in worn_out.reason


def test_what_has_not_begun_does_not_count_as_an_attempt():
    delivery = make_delivery(make_destination())
    due_at = delivery.due_at
    mark(delivery.destination)
    come(delivery, Outcome(Result.NOT_BEGUN))

    assert (delivery.status, delivery.attempts, delivery.due_at) == ("waiting", 0, due_at)


def test_what_was_lost_with_its_worker_counts_and_is_tried_again_at_once():
    delivery = make_delivery(make_destination(), attempts=3)
    come(delivery, Outcome(Result.LOST, error="The worker ended."), attempts=3)

    assert (delivery.status, delivery.attempts) == ("waiting", 3)
    assert delivery.due_at <= timezone.now()


def test_a_failure_counts_only_for_the_attempt_that_it_is_of():
    delivery = make_delivery(make_destination(), attempts=2)
    come(delivery, FAILED, attempts=1)

    assert (delivery.answer_status, delivery.last_error) == (None, "")
    come(delivery, Outcome(Result.NOT_BEGUN), attempts=1)
    assert delivery.attempts == 2


def test_that_something_has_arrived_counts_whatever_another_worker_does():
    delivery = make_delivery(make_destination(), attempts=2)
    come(delivery, DELIVERED, attempts=1)

    assert (delivery.status, delivery.answer) == ("delivered", "ok")
    come(delivery, FAILED, attempts=2)
    assert (delivery.status, delivery.answer) == ("delivered", "ok")


def test_what_is_erased_on_its_way_is_noted_as_delivered_without_the_answer():
    delivery = make_delivery(make_destination(), contact=make_contact(email="ada@example.com"))
    mark(delivery.destination)
    Delivery.objects.update(contact=None)
    come(delivery, Outcome(Result.DELIVERED, 200, "Hello ada@example.com"))

    assert (delivery.status, delivery.reason) == ("delivered", "")
    assert (delivery.payload, delivery.answer) == (None, "")


def test_what_is_erased_on_its_way_and_fails_is_not_tried_again():
    delivery = make_delivery(make_destination(), contact=make_contact(email="ada@example.com"))
    mark(delivery.destination)
    Delivery.objects.update(contact=None)
    come(delivery, FAILED)

    assert (delivery.status, delivery.reason) == ("skipped", "The contact was erased.")
    assert (delivery.answer, delivery.last_error) == ("", "")


def test_texts_that_the_database_cannot_keep_are_kept_as_far_as_it_can():
    delivery = make_delivery(make_destination(), attempts=1)
    outcome = Outcome(Result.FAILED, 10_000, "a\0b\ud800" + "x" * 9_000, "c\0d")
    come(delivery, outcome)

    assert delivery.answer_status is None
    assert delivery.answer[:4] == "a\N{REPLACEMENT CHARACTER}b?"
    assert len(delivery.answer) == 4096
    assert delivery.last_error == "c\N{REPLACEMENT CHARACTER}d"


def test_a_destination_may_put_a_delivery_off_by_a_day_at_most():
    now = timezone.now()
    delivery = make_delivery(make_destination(), attempts=1)
    wish = Outcome(Result.THROTTLED, 429, "", "Later.", now + timedelta(days=400))
    come(delivery, wish)

    assert timedelta(hours=23, minutes=59) < delivery.due_at - now < timedelta(days=1, minutes=1)
