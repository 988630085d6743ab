"""A destination is switched off for days and on again: nothing is missing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from destinations import resting
from destinations.models import Destination, Queue
from destinations.schedule import MOST_ATTEMPTS
from tests.destinations.delivering import (
    deliver,
    deliver_for,
    ids_of,
    make_deliveries,
    make_destination,
    pass_time,
    statuses,
)
from tests.destinations.receiver import receiver, says, taken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]


@pytest.fixture(autouse=True)
def few_probes(monkeypatch):
    """Days pass sooner if a destination that is away is tried less often."""
    monkeypatch.setattr(resting, "LONGEST_REST", timedelta(minutes=45))


# A port that nothing listens on.
NOBODY = "http://127.0.0.1:9009/hook"


def test_after_three_days_of_outage_nothing_is_missing():
    with receiver() as crm, receiver() as other:
        destination = make_destination(NOBODY)
        neighbour = make_destination(other.url)
        made = []
        for _ in range(12):
            made += make_deliveries(destination, 5)
            make_deliveries(neighbour, 1)
            deliver_for(6)
            assert set(statuses(neighbour)) == {"delivered"}
        assert set(statuses(destination)) == {"waiting"}
        Destination.objects.filter(pk=destination.pk).update(url=crm.url)

        # The attempts that are left are within a day.
        deliver_for(27)

    assert set(statuses(destination)) == {"delivered"}
    assert crm.times == dict.fromkeys(ids_of(made), 1)
    assert max(destination.deliveries.values_list("attempts", flat=True)) <= MOST_ATTEMPTS
    queue = Queue.objects.get(destination=destination)
    assert (queue.failures, queue.failing_since, queue.rests_until) == (0, None, None)
    assert Destination.objects.filter(paused_at=None).count() == 2


def test_one_delivery_alone_outlives_three_days_as_well():
    with receiver() as crm:
        destination = make_destination(NOBODY)
        made = make_deliveries(destination)
        deliver_for(72)
        assert statuses(destination) == ["waiting"]
        Destination.objects.update(url=crm.url)
        deliver_for(27)

    assert crm.times == dict.fromkeys(ids_of(made), 1)


def test_what_waits_for_a_destination_that_rests_goes_out_soon_after_its_return():
    with receiver(says(503)) as crm:
        destination = make_destination(crm.url)
        for _ in range(4):
            make_deliveries(destination, 20)
            deliver_for(1)
        untried = destination.deliveries.filter(attempts=0).count()
        assert untried > 0
        crm.answers = taken
        deliver_for(1)

    assert destination.deliveries.filter(attempts=0).count() == 0
    assert destination.deliveries.filter(status="delivered").count() >= untried


def test_a_destination_that_fails_for_five_days_is_paused_and_keeps_what_comes():
    destination = make_destination(NOBODY)
    for _ in range(5):
        make_deliveries(destination, 2)
        deliver_for(23.5)
    destination.refresh_from_db()
    assert destination.paused_at is None

    make_deliveries(destination, 1)
    deliver_for(4)

    destination.refresh_from_db()
    assert destination.paused_by == Destination.PausedBy.FAILURES
    assert Queue.objects.get().untold
    before = list(destination.deliveries.order_by("pk").values("status", "attempts"))
    make_deliveries(destination, 1)
    deliver_for(48)
    after = list(destination.deliveries.order_by("pk").values("status", "attempts"))
    assert after == [*before, {"status": "waiting", "attempts": 0}]


def test_a_success_in_between_lets_the_five_days_begin_anew():
    with receiver(says(500)) as crm:
        destination = make_destination(crm.url)
        for day in range(7):
            make_deliveries(destination, 4)
            deliver()
            crm.answers = taken if day == 3 else says(500)
            pass_time(hours=24)
        deliver()

    destination.refresh_from_db()
    assert destination.paused_at is None
    since = Queue.objects.get().failing_since
    assert (timezone.now() - since).days < 4
