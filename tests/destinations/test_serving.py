"""Several destinations at a time in one worker, and how it ends."""

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from consents.agreements import record_agreements
from destinations import sending, serving
from destinations.control import pause, resume
from destinations.jobs import DELIVERIES
from destinations.models import Delivery, Queue
from destinations.queues import find_work, lease_from_now, let_go, take
from destinations.serving import Serving, finish
from jobs.working import work_off
from tests.config.hub import wait_until
from tests.destinations.delivering import (
    deliver,
    ids_of,
    make_deliveries,
    make_delivery,
    make_destination,
    pass_time,
    statuses,
)
from tests.destinations.receiver import after, hangs, in_turn, receiver, taken
from tests.factories import make_consent, make_contact
from tests.threads import run_at_once

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def ending(loopback):
    """What goes out ends with the test, before its database is emptied."""
    yield
    assert finish(10)


def work():
    """What a worker does for one message; it does not wait for what goes out."""
    assert work_off(DELIVERIES)


def delivered(destination):
    return destination.deliveries.filter(status="delivered").count()


@pytest.mark.django_db
def test_a_queue_without_work_is_not_taken_up():
    make_destination()
    paused, off = make_destination(), make_destination(enabled=False)
    later = make_destination()
    pause(paused)
    for destination in (paused, off):
        make_delivery(destination)
    make_delivery(later, due_at=timezone.now() + timezone.timedelta(hours=1))
    find_work()

    assert not Queue.objects.filter(has_work=True).exists()


@pytest.mark.django_db
def test_a_queue_that_is_taken_is_not_taken_by_another_worker_until_its_lease_ends():
    destination = make_destination()
    make_delivery(destination)
    assert take([destination.pk], lease_from_now()) == [destination.pk]
    assert take([destination.pk], lease_from_now()) == []
    find_work()
    assert not Queue.objects.get().has_work

    pass_time(seconds=31)
    find_work()
    assert Queue.objects.get().has_work
    assert take([destination.pk], lease_from_now()) == [destination.pk]


@pytest.mark.django_db
def test_a_worker_that_has_lost_its_queue_sends_nothing_and_leaves_it_to_the_other_one():
    with receiver() as crm:
        destination = make_destination(crm.url)
        make_delivery(destination)
        lost = lease_from_now()
        take([destination.pk], lost)
        Queue.objects.update(served_until=None)
        other = lease_from_now()
        take([destination.pk], other)
        Serving(destination.pk, lost).run()

        assert crm.got == []
        assert Queue.objects.get().served_until == other


@pytest.mark.django_db
def test_what_is_added_just_before_a_worker_lets_go_is_found():
    destination = make_destination()
    until = lease_from_now()
    take([destination.pk], until)
    make_delivery(destination)
    let_go(destination.pk, until)

    queue = Queue.objects.get()
    assert (queue.has_work, queue.served_until) == (True, None)
    assert queue.due_at <= timezone.now()


@pytest.mark.django_db
def test_what_is_added_just_after_a_worker_looked_for_the_last_time_is_found(monkeypatch):
    rung = []
    monkeypatch.setattr("destinations.queues.ring", rung.append)
    destination = make_destination()
    until = lease_from_now()
    take([destination.pk], until)
    with added_after("SET served_until = NULL", lambda: make_delivery(destination)):
        let_go(destination.pk, until)

    assert Queue.objects.get().has_work
    assert rung == ["deliveries"]


def added_after(statement, add):
    """Have something added right after such a statement."""

    def execute_and_add(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if statement in sql:
            add()
        return result

    return connection.execute_wrapper(execute_and_add)


@pytest.mark.django_db
def test_an_error_of_the_hub_is_kept_and_the_destination_rests(monkeypatch, caplog):
    def fail(*args, **named):
        raise ZeroDivisionError("division by zero")

    destination = make_destination()
    make_delivery(destination)
    with monkeypatch.context() as patch:
        patch.setattr(serving, "mark_next", fail)
        deliver()

    queue = Queue.objects.get()
    assert (queue.attempts, queue.last_error) == (1, "ZeroDivisionError: division by zero")
    assert queue.served_until is None
    assert queue.rests_until > timezone.now()
    assert statuses(destination) == ["waiting"]
    with receiver() as crm:
        destination.url = crm.url
        destination.save()
        pass_time(minutes=1)
        deliver()
    assert statuses(destination) == ["delivered"]
    queue.refresh_from_db()
    assert (queue.attempts, queue.last_error) == (0, "")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_a_destination_that_hangs_holds_up_neither_the_worker_nor_another_destination():
    with receiver() as dead, receiver() as crm:
        dead.answers = hangs(dead)
        slow, quick = make_destination(dead.url), make_destination(crm.url)
        make_deliveries(slow, 50)
        make_deliveries(quick, 500)
        began = time.monotonic()
        work()
        assert time.monotonic() - began < 5
        wait_until(lambda: delivered(quick) == 500)

        assert (len(dead.got), delivered(slow)) == (8, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_two_workers_on_one_queue_send_each_delivery_once():
    with receiver() as crm:
        destination = make_destination(crm.url)
        made = make_deliveries(destination, 300)
        find_work()

        def take_part():
            until = lease_from_now()
            if is_mine := bool(take([destination.pk], until)):
                Serving(destination.pk, until).run()
            return is_mine

        assert sorted(run_at_once(take_part, take_part, take_part)) == [False, False, True]

    assert crm.times == dict.fromkeys(ids_of(made), 1)
    assert set(statuses(destination)) == {"delivered"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_what_is_added_while_a_request_takes_long_goes_out_beside_it():
    with receiver() as crm:
        crm.answers = in_turn(hangs(crm), taken)
        destination = make_destination(crm.url)
        make_delivery(destination)
        work()
        wait_until(lambda: crm.got)
        make_delivery(destination)

        wait_until(lambda: delivered(destination) == 1, seconds=30)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_a_destination_that_is_paused_while_deliveries_go_out_gets_nothing_more():
    is_paused = threading.Event()
    with receiver() as crm:
        crm.answers = lambda got: (len(crm.got) <= 20 or is_paused.wait(60)) and taken(got)
        destination = make_destination(crm.url)
        make_deliveries(destination, 400)
        work()
        wait_until(lambda: len(crm.got) > 20)
        pause(destination)
        is_paused.set()
        wait_until(lambda: Queue.objects.get().served_until is None)
        sent = len(crm.got)

        assert sent < 400
        assert delivered(destination) == sent
        waiting = destination.deliveries.filter(status="waiting")
        assert waiting.count() == 400 - sent
        assert set(waiting.values_list("attempts", flat=True)) == {0}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_a_worker_that_ends_waits_for_no_answer_and_gives_back_what_it_has_not_begun():
    with receiver() as crm:
        crm.answers = hangs(crm)
        destination = make_destination(crm.url)
        make_deliveries(destination, 30)
        work()
        wait_until(lambda: len(crm.got) == 8)
        began = time.monotonic()
        assert finish()
        assert time.monotonic() - began < 5

    attempts = destination.deliveries.values_list("attempts", flat=True)
    assert sorted(attempts) == [0] * 22 + [1] * 8
    assert destination.deliveries.filter(status="waiting", due_at__lte=timezone.now()).count() == 30
    queue = Queue.objects.get()
    assert (queue.has_work, queue.served_until, queue.failures) == (True, None, 0)
    with receiver() as back:
        destination.url = back.url
        destination.save()
        work()
        wait_until(lambda: delivered(destination) == 30)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_with_more_destinations_than_threads_each_gets_its_turn(monkeypatch):
    monkeypatch.setattr(serving, "_MOST_AT_A_TIME", 2)
    monkeypatch.setattr(serving, "_SECONDS_OF_A_TURN", 0.2)
    with receiver(after(0.05)) as crm:
        many = [make_destination(crm.url) for _ in range(5)]
        for destination in many:
            make_deliveries(destination, 100)

        def all_have_got_something():
            work()
            return all(delivered(one) for one in many)

        wait_until(all_have_got_something)
        assert Delivery.objects.filter(status="waiting").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_who_revokes_while_hundreds_wait_for_a_slow_receiver_is_told_of_no_more(monkeypatch):
    monkeypatch.setattr(sending, "_SECONDS_TO_WAIT", 0.3)
    monkeypatch.setattr(serving, "_QUICK", 60)  # so many are marked together after a few turns
    consent, contact = make_consent(), make_contact()
    record_agreements([contact], {consent: True})
    slow = after(0.2)
    with receiver() as crm:
        crm.answers = lambda got: (taken if len(crm.got) < 280 else slow)(got)
        destination = make_destination(crm.url, consent=consent)
        made = make_deliveries(destination, 700, contact=contact)
        work()
        wait_until(lambda: len(crm.got) >= 290)
        marked = destination.deliveries.filter(attempts=1, status="waiting").count()
        record_agreements([contact], {consent: False})
        revoked_at = time.monotonic()
        wait_until(lambda: not destination.deliveries.filter(status="waiting").exists())

        assert marked > 150
        assert max(one.at for one in crm.got) - revoked_at < 1.5
        assert set(crm.times.values()) == {1}
    skipped = destination.deliveries.filter(status="skipped")
    assert skipped.count() == len(made) - len(crm.got)
    assert set(skipped.values_list("attempts", "payload")) == {(0, None)}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_a_receiver_at_which_all_wait_too_long_gets_each_message_once(monkeypatch):
    monkeypatch.setattr(sending, "_SECONDS_TO_WAIT", 0.02)
    with receiver(after(0.05)) as crm:
        destination = make_destination(crm.url)
        made = make_deliveries(destination, 100)
        work()
        wait_until(lambda: delivered(destination) == 100)

    assert crm.times == dict.fromkeys(ids_of(made), 1)
    assert set(destination.deliveries.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_a_destination_that_is_resumed_while_its_worker_ends_has_no_failures():
    goes_on = threading.Event()
    with receiver() as crm:

        def fail(got):
            goes_on.wait(20)
            return 500, {}, b""

        crm.answers = fail
        destination = make_destination(crm.url)
        make_deliveries(destination, 4)
        work()
        wait_until(lambda: len(crm.got) == 4)
        pause(destination)
        wait_until(lambda: serving._servings[destination.pk]._is_over)
        resume(destination)
        goes_on.set()
        wait_until(lambda: Queue.objects.get().served_until is None)

    queue = Queue.objects.get()
    assert set(destination.deliveries.values_list("answer_status", flat=True)) == {500}
    assert (queue.failures, queue.failing_since, queue.rests_until) == (0, None, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ending")
def test_what_arrives_after_a_destination_was_paused_is_its_last_delivery():
    goes_on = threading.Event()
    with receiver() as crm:

        def take_later(got):
            goes_on.wait(20)
            return taken(got)

        crm.answers = take_later
        destination = make_destination(crm.url)
        make_delivery(destination)
        work()
        wait_until(lambda: crm.got)
        pause(destination)
        wait_until(lambda: serving._servings[destination.pk]._is_over)
        goes_on.set()
        wait_until(lambda: Queue.objects.get().served_until is None)

    assert Queue.objects.get().last_delivered_at is not None
