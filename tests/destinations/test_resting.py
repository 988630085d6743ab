"""When a destination is left alone, and how it is tried again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from destinations import http
from destinations.models import Destination, Queue
from destinations.outcomes import Outcome, Result
from destinations.resting import FAILURES, LONGEST_REST, Health
from destinations.schedule import MOST_ATTEMPTS, PAUSES, next_attempt_at
from tests.destinations.delivering import (
    deliver,
    make_deliveries,
    make_destination,
    pass_time,
    statuses,
)
from tests.destinations.receiver import hangs, receiver, says, taken

NOW = timezone.now()
OK = [Outcome(Result.DELIVERED, 200)]
BAD = [Outcome(Result.FAILED, 500)]
BUSY = [Outcome(Result.THROTTLED, 429)]


def test_the_plan_takes_three_days_and_never_less_than_it_says():
    total = timedelta()
    for attempts, pause in enumerate(PAUSES, 1):
        waits = {next_attempt_at(attempts, NOW) - NOW for _ in range(50)}
        assert len(waits) > 1
        assert pause <= min(waits) <= max(waits) <= pause * 1.1
        total += pause

    assert total > timedelta(days=3)
    assert next_attempt_at(MOST_ATTEMPTS, NOW) is None


def test_a_destination_rests_after_a_few_failures_in_a_row_longer_each_time():
    health, now, rests = Health(8), NOW, []
    for _ in range(FAILURES - 1):
        health.note(BAD, now)
        assert (health.is_resting(now), health.width) == (False, 8)
    for _ in range(9):
        health.note(BAD, now)
        rests.append((health.rests_until - now).total_seconds())
        assert (health.is_resting(now), health.width) == (True, 1)
        now = health.rests_until
        assert not health.is_resting(now)

    assert rests == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert LONGEST_REST.total_seconds() == 300
    assert health.failing_since == NOW


def test_of_requests_that_were_on_their_way_only_the_first_makes_it_rest():
    health = Health(8)
    for _ in range(8):
        health.note(BAD, NOW)

    assert health.failures == FAILURES
    assert health.rests_until == NOW + timedelta(seconds=5)


def test_a_success_resets_it_and_lets_it_have_more_and_more_again():
    health = Health(4, failures=5, failing_since=NOW, rests_until=NOW)
    widths = [health.width]
    for _ in range(5):
        health.note(OK, NOW + timedelta(seconds=1))
        widths.append(health.width)

    assert widths == [1, 2, 3, 4, 4, 4]
    assert (health.failures, health.failing_since, health.rests_until) == (0, None, None)


def test_what_is_delivered_besides_does_not_end_a_rest_that_was_asked_for():
    health = Health(8)
    wish = NOW + timedelta(minutes=10)
    health.note([Outcome(Result.THROTTLED, 429, not_before=wish)], NOW)
    health.note(OK, NOW)

    assert (health.rests_until, health.width) == (wish, 1)


def test_one_answer_that_asks_for_less_is_enough():
    health = Health(8)
    health.note(BUSY, NOW)

    assert health.rests_until == NOW + timedelta(seconds=5)


def test_what_it_refuses_says_nothing_about_its_health():
    health = Health(8)
    for _ in range(5):
        health.note([Outcome(Result.REFUSED, 400)], NOW)

    assert (health.failures, health.width) == (0, 8)


def test_a_batch_of_which_something_was_delivered_is_no_failure():
    health = Health(8)
    for _ in range(5):
        health.note(BAD + OK, NOW)

    assert health.failures == 0


def test_a_batch_of_which_something_was_throttled_makes_it_rest_as_long_as_it_asks():
    health = Health(8, failures=2, failing_since=NOW - timedelta(days=4))
    wish = NOW + timedelta(minutes=10)
    health.note([*OK, Outcome(Result.THROTTLED, 429, not_before=wish), *BAD], NOW)

    assert (health.rests_until, health.width) == (wish, 1)
    # It works, so it is not given up for what was before.
    assert (health.failing_since, health.last_delivered_at) == (NOW, NOW)


def test_a_batch_of_which_something_is_gone_stops_it():
    health = Health(8)
    health.note([*BUSY, *OK, Outcome(Result.GONE, 410)], NOW)

    assert (health.is_gone, health.last_delivered_at) == (True, NOW)


@pytest.mark.django_db
@pytest.mark.usefixtures("loopback")
def test_while_it_rests_one_delivery_at_a_time_is_tried_and_the_others_lose_no_attempt():
    with receiver(says(500)) as crm:
        destination = make_destination(crm.url)
        make_deliveries(destination, 100)
        deliver()
        first = len(crm.got)
        assert FAILURES <= first <= 2 * 8
        for _ in range(3):
            deliver()
            assert len(crm.got) == first
            pass_time(minutes=5)
            deliver()
            first += 1
            assert len(crm.got) == first
        tried = destination.deliveries.filter(attempts__gt=0).count()
        assert sum(destination.deliveries.values_list("attempts", flat=True)) == first

        crm.answers = taken
        pass_time(minutes=5)
        deliver()
        pass_time(hours=1)
        deliver()

    assert tried <= first
    assert set(statuses(destination)) == {"delivered"}
    assert len(crm.got) == first + 100


@pytest.mark.django_db
@pytest.mark.usefixtures("loopback")
def test_a_destination_that_lets_requests_hang_gets_a_handful_of_them(monkeypatch):
    monkeypatch.setattr(http, "SECONDS", 0.3)
    with receiver() as crm:
        crm.answers = hangs(crm)
        destination = make_destination(crm.url)
        make_deliveries(destination, 50)
        deliver()

    assert len(crm.got) <= 2 * 8
    queue = Queue.objects.get()
    assert queue.failures == FAILURES
    assert queue.rests_until > timezone.now()
    assert Destination.objects.get().paused_at is None
    assert set(statuses(destination)) == {"waiting"}
