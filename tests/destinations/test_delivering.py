"""Deliveries go out: what a receiver gets, and what is noted."""

import json

import pytest
from django.utils import timezone

from consents.agreements import record_agreements
from destinations.kinds import kind_of
from destinations.marking import DRY
from destinations.models import Queue
from destinations.outcomes import Outcome, Result
from destinations.schedule import MOST_ATTEMPTS, PAUSES
from tests.destinations.delivering import (
    deliver,
    id_of,
    ids_of,
    make_deliveries,
    make_delivery,
    make_destination,
    pass_time,
    statuses,
)
from tests.destinations.receiver import after, receiver, says, taken
from tests.factories import make_consent, make_contact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]


def test_what_waits_is_delivered_once_with_its_answer():
    with receiver(says(201, b"Thank you")) as crm:
        destination = make_destination(crm.url)
        delivery = make_delivery(destination, payload={"hello": "world"})
        deliver()
        deliver()

    delivery.refresh_from_db()
    assert [(one.message_id, json.loads(one.body)) for one in crm.got] == [
        (id_of(delivery), {"hello": "world"})
    ]
    assert (delivery.status, delivery.attempts, delivery.reason) == ("delivered", 1, "")
    assert (delivery.answer_status, delivery.answer, delivery.last_error) == (201, "Thank you", "")
    assert delivery.attempted_at <= delivery.delivered_at <= timezone.now()
    queue = Queue.objects.get()
    assert (queue.has_work, queue.served_until, queue.failures) == (False, None, 0)
    assert queue.last_delivered_at is not None


def test_many_deliveries_arrive_each_once_and_begin_in_the_order_of_their_times(settings):
    settings.DELIVERY_SLOTS = 1
    with receiver() as crm:
        made = make_deliveries(make_destination(crm.url), 120)
        deliver()

    assert crm.ids == ids_of(made)


def test_a_destination_gets_no_more_requests_at_a_time_than_the_operator_allows(settings):
    settings.DELIVERY_SLOTS = 3
    now = most = 0

    def answers(got):
        nonlocal now, most
        now += 1
        most = max(most, now)
        after(0.05)(got)
        now -= 1
        return taken(got)

    with receiver(answers) as crm:
        make_deliveries(make_destination(crm.url), 12)
        deliver()

    assert len(crm.got) == 12
    assert most == 3


def test_a_delivery_that_fails_is_tried_again_by_the_plan_under_the_same_id():
    with receiver(says(500, b"Ouch")) as crm:
        destination = make_destination(crm.url)
        delivery = make_delivery(destination)
        for attempt in range(1, MOST_ATTEMPTS):
            deliver()
            delivery.refresh_from_db()
            pause = delivery.due_at - delivery.attempted_at
            assert (delivery.status, delivery.attempts) == ("waiting", attempt)
            assert PAUSES[attempt - 1] <= pause <= PAUSES[attempt - 1] * 1.2
            assert delivery.last_error.startswith("It answered 500.")
            assert (delivery.answer_status, delivery.answer) == (500, "Ouch")
            Queue.objects.update(failing_since=timezone.now(), rests_until=None)
            pass_time(seconds=pause.total_seconds() - 1)
            deliver()
            assert len(crm.got) == attempt
            pass_time(seconds=1)
        deliver()

    delivery.refresh_from_db()
    assert crm.times == {id_of(delivery): MOST_ATTEMPTS}
    assert (delivery.status, delivery.attempts) == ("failed", MOST_ATTEMPTS)
    assert delivery.reason == "It has failed 10 times within three days."
    assert Queue.objects.get().has_work is False


def test_what_is_refused_for_good_is_never_tried_again(monkeypatch):
    destination = make_destination()

    async def refuse(destination, deliveries, client):
        return [Outcome(Result.REFUSED, 400, "no", "It is too large.")] * len(deliveries)

    monkeypatch.setattr(kind_of(destination), "deliver", refuse)
    delivery = make_delivery(destination)
    deliver()

    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason) == ("failed", "It is too large.")
    assert Queue.objects.get().failures == 0


def test_while_a_name_leads_into_a_private_network_everything_waits(name_server):
    name_server.leads["crm.example.com"] = [["10.0.0.1"]]
    with receiver() as crm:
        destination = make_destination(f"http://crm.example.com:{crm.port}/")
        made = make_deliveries(destination, 12)
        deliver()
        waiting = destination.deliveries.filter(status="waiting")
        assert waiting.count() == 12
        tried = waiting.filter(attempts__gt=0)
        assert 0 < len(tried) < 12  # and the destination rests
        assert "crm.example.com leads to 10.0.0.1." in tried[0].last_error

        name_server.leads["crm.example.com"] = [["127.0.0.1"]]
        pass_time(minutes=10)
        deliver()

    assert sorted(crm.ids) == sorted(ids_of(made))


def test_what_can_never_be_delivered_is_not_tried():
    with receiver() as crm:
        delivery = make_delivery(make_destination(crm.url), payload={"text": "x" * 30_000})
        deliver()

    delivery.refresh_from_db()
    assert crm.got == []
    assert (delivery.status, delivery.attempts) == ("failed", 0)
    assert "takes 20,000 at most" in delivery.reason


def test_consent_is_asked_again_before_each_attempt():
    consent = make_consent("Newsletter", name="Newsletter")
    agreeing, revoking = make_contact(email="a@example.com"), make_contact(email="b@example.com")
    record_agreements([agreeing, revoking], {consent: True})
    with receiver(says(500)) as crm:
        destination = make_destination(crm.url, consent=consent)
        kept = make_delivery(destination, contact=agreeing)
        revoked = make_delivery(destination, contact=revoking)
        nobodys = make_delivery(destination)
        deliver()
        assert len(crm.got) == 3
        record_agreements([revoking], {consent: False})
        crm.answers = taken
        pass_time(minutes=5)
        deliver()

    assert crm.times == {id_of(kept): 2, id_of(nobodys): 2, id_of(revoked): 1}
    revoked.refresh_from_db()
    assert (revoked.status, revoked.payload) == ("skipped", None)
    assert revoked.reason == "The contact has revoked “Newsletter”."


def test_what_an_attempt_was_answered_goes_with_the_payload_of_a_contact_who_revokes():
    consent, contact = make_consent(), make_contact(email="ada@example.com")
    record_agreements([contact], {consent: True})
    with receiver(says(500, b"ada@example.com?")) as crm:
        delivery = make_delivery(make_destination(crm.url, consent=consent), contact=contact)
        deliver()
        delivery.refresh_from_db()
        assert (delivery.answer, bool(delivery.last_error)) == ("ada@example.com?", True)
        record_agreements([contact], {consent: False})
        pass_time(minutes=5)
        deliver()

    delivery.refresh_from_db()
    assert delivery.status == "skipped"
    assert (delivery.payload, delivery.answer, delivery.last_error) == (None, "", "")


def test_in_dry_mode_what_an_attempt_was_answered_is_kept():
    with receiver(says(500, b"no")) as crm:
        destination = make_destination(crm.url)
        delivery = make_delivery(destination)
        deliver()
        destination.dry = True
        destination.save()
        pass_time(minutes=5)
        deliver()

    delivery.refresh_from_db()
    assert (delivery.status, delivery.answer) == ("skipped", "no")
    assert delivery.last_error


def test_in_dry_mode_nothing_is_sent_and_the_payload_is_kept():
    with receiver() as crm:
        delivery = make_delivery(make_destination(crm.url, dry=True), payload={"a": 1})
        deliver()

    delivery.refresh_from_db()
    assert crm.got == []
    assert (delivery.status, delivery.reason, delivery.payload) == ("skipped", DRY, {"a": 1})


def test_a_destination_that_is_switched_off_gets_nothing_until_it_is_on_again():
    with receiver() as crm:
        destination = make_destination(crm.url, enabled=False)
        make_delivery(destination)
        deliver()
        assert crm.got == []
        destination.enabled = True
        destination.save()
        deliver()

    assert statuses(destination) == ["delivered"]
