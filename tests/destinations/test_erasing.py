"""A contact is erased: destinations that know it are asked to delete it, by its GUIDs alone."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activities.erasing import erase_contact
from activities.models import DataInput
from contacts.models import Contact
from destinations import erasing
from destinations.control import send_again
from destinations.leaving import requests_to_delete
from destinations.marking import mark_next
from destinations.models import Delivery, Destination
from destinations.noting import Tried, note
from destinations.outcomes import Outcome, Result
from tests.destinations.made import (
    PlainKind,
    deliveries,
    make_destination,
    plain_kinds,
    rung,
)
from tests.factories import make_activity, make_contact
from tests.threads import run_at_once, wait_until_somebody_waits

__all__ = ["plain_kinds", "rung"]

pytestmark = pytest.mark.django_db

ASK = "Ask for the deletion by other means."


def make_delivery(destination, contact, source="activity:1", **fields):
    """A delivery that has arrived, unless the fields say otherwise."""
    return Delivery.objects.create(
        destination=destination,
        contact=contact,
        source=source,
        **{
            "kind": "activity",
            "payload": {"email": "ada@example.com"},
            "contact_fields": ["email"],
            "status": "delivered",
            "attempts": 1,
            "attempted_at": timezone.now(),
            "delivered_at": timezone.now(),
            "answer": "Hello Ada",
            "occurred_at": timezone.now(),
            **fields,
        },
    )


def erasures(destination):
    return [one for one in deliveries(destination) if one.kind == "erasure"]


def test_a_destination_that_got_something_is_asked_to_delete_every_guid(rung):
    crm, other = make_destination(), make_destination()
    contact = make_contact(email="ada@example.com", first_name="Ada")
    merged = make_contact(merged_into=contact)
    guids = {str(contact.guid), str(merged.guid)}
    kept, of_merged = contact.pk, merged.pk
    make_delivery(crm, contact)

    erase_contact(contact.pk)

    found = erasures(crm)
    assert {one.source for one in found} == {
        f"erasure:{erasing.guid_in_source(guid)}:{pk}"
        for guid, pk in [(contact.guid, kept), (merged.guid, of_merged)]
    }
    assert {one.payload["contact"]["guid"] for one in found} == guids
    for one in found:
        assert (one.status, one.contact, one.contact_fields) == ("waiting", None, ["guid"])
        assert set(one.payload["contact"]) == {"guid"}
        assert (one.payload["type"], one.payload["data"]) == ("erasure", {})
    assert not deliveries(other)
    assert rung == ["deliveries"]


def test_deliveries_keep_nothing_of_the_contact():
    crm, contact = make_destination(), make_contact()
    arrived = make_delivery(crm, contact)
    waiting = make_delivery(
        crm, contact, "activity:2", status="waiting", attempts=0, delivered_at=None
    )

    failed = make_delivery(
        crm, contact, "activity:3", status="failed", reason="“Ada?”", delivered_at=None
    )

    erase_contact(contact.pk)

    for one in (arrived, waiting, failed):
        one.refresh_from_db()
        assert (one.contact, one.payload, one.answer) == (None, None, "")
    assert arrived.status == "delivered"
    assert (waiting.status, waiting.reason) == ("skipped", "The contact was erased.")
    assert failed.reason == "It had failed before the contact was erased."
    assert arrived.contact_fields == ["email"]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "waiting"},
        {"status": "skipped", "reason": "Dry."},
    ],
)
def test_a_destination_that_nothing_can_have_reached_is_not_asked(fields):
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact, attempts=0, attempted_at=None, delivered_at=None, **fields)

    erase_contact(contact.pk)

    assert not erasures(crm)


def test_one_that_had_arrived_and_waits_to_be_sent_again_is_asked():
    crm, contact = make_destination(), make_contact()
    send_again([make_delivery(crm, contact).pk])

    erase_contact(contact.pk)

    assert [one.status for one in erasures(crm)] == ["waiting"]


def test_a_request_that_was_delivered_forgets_whom_it_was_about():
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact)
    erase_contact(contact.pk)
    (one,) = erasures(crm)
    assert str(contact.guid) in str(one.payload)

    Delivery.objects.filter(pk=one.pk).update(attempts=1)
    note([Tried(one.pk, 1, Outcome(Result.DELIVERED, answer=str(contact.guid)))], timezone.now())

    one.refresh_from_db()
    assert (one.status, one.payload, one.answer) == ("delivered", None, "")
    assert str(contact.guid) not in one.source
    (told,) = requests_to_delete([contact.guid])
    assert (told.guid, told.status) == (str(contact.guid), "delivered")


def test_one_that_had_arrived_and_was_taken_back_before_it_was_sent_again_is_asked():
    crm, contact = make_destination(), make_contact()
    delivery = make_delivery(crm, contact)
    send_again([delivery.pk])
    mark_next(crm, most=1, besides=(), now=timezone.now())
    note([Tried(delivery.pk, 1, Outcome(Result.NOT_BEGUN))], timezone.now())

    erase_contact(contact.pk)

    assert [one.status for one in erasures(crm)] == ["waiting"]


def test_who_comes_back_under_the_same_guid_and_is_erased_again_is_asked_for_again():
    crm, contact = make_destination(), make_contact()
    guid = contact.guid
    make_delivery(crm, contact)
    erase_contact(contact.pk)
    returned = make_contact(guid=guid)
    make_delivery(crm, returned, "activity:2")

    erase_contact(returned.pk)

    assert [one.payload["contact"]["guid"] for one in erasures(crm)] == [str(guid)] * 2
    assert [one.guid for one in requests_to_delete([guid])] == [str(guid)] * 2


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_is_about_to_send_is_waited_for_and_asked_about():
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact, status="waiting", attempts=0, attempted_at=None, delivered_at=None)
    is_marked = threading.Event()

    def mark():
        with transaction.atomic():
            marked = mark_next(crm, most=1, besides=(), now=timezone.now())
            is_marked.set()
            wait_until_somebody_waits()
        return len(marked.deliveries)

    def erase():
        assert is_marked.wait(20)
        erase_contact(contact.pk)

    assert run_at_once(mark, erase) == [1, None]
    assert [one.status for one in erasures(crm)] == ["waiting"]


@pytest.mark.parametrize("status", ["waiting", "failed", "skipped"])
def test_one_that_an_attempt_may_have_reached_is_asked(status):
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact, status=status, reason="Late.", delivered_at=None)

    erase_contact(contact.pk)

    assert [one.status for one in erasures(crm)] == ["waiting"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "file"}, f"Destinations of this kind cannot be asked to delete a contact. {ASK}"),
        ({"enabled": False}, f"The destination is switched off. {ASK}"),
        ({"dry": True}, f"Dry mode: nothing was sent. {ASK}"),
    ],
)
def test_what_cannot_be_asked_is_kept_with_the_reason(fields, reason):
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact)
    Destination.objects.update(**fields)

    erase_contact(contact.pk)

    (one,) = erasures(crm)
    assert (one.status, one.reason, one.contact_fields) == ("skipped", reason, [])


def test_a_paused_destination_is_asked_when_it_goes_on():
    crm, contact = make_destination(paused_at=timezone.now(), paused_by="user"), make_contact()
    make_delivery(crm, contact)

    erase_contact(contact.pk)

    assert [one.status for one in erasures(crm)] == ["waiting"]


def test_a_kind_that_fails_keeps_nobody_from_being_erased(monkeypatch):
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact)

    def fails(*_):
        raise KeyError("guid")

    monkeypatch.setattr(PlainKind, "erasure", fails)
    erase_contact(contact.pk)

    assert not Contact.objects.exists()
    assert erasures(crm)[0].reason == erasing.NO_WAY


def test_deliveries_about_another_contact_forget_who_sent_what_they_tell():
    crm, sender, owner, stranger = make_destination(), *[make_contact() for _ in range(3)]
    activity = make_activity(owner)
    DataInput.objects.create(contact=owner, sent_by=sender, activity=activity, fields={})
    payload = {"url": f"/stop?who={str(sender.guid).upper()}", "contact": {"guid": "other"}}
    of_owner = make_delivery(crm, owner, f"activity:{activity.pk}", payload=payload)
    by_step = make_delivery(
        *(crm, owner, "run:1:step"),
        payload={"activity": payload},
        last_error=f"Who is {sender.guid.hex}?",
        answer=f"Hello {sender.guid}",
    )
    of_stranger = make_delivery(crm, stranger, "activity:7", payload=payload)

    erase_contact(sender.pk)

    for one in (of_owner, by_step, of_stranger):
        one.refresh_from_db()
    forgotten = payload | {"url": f"/stop?who={owner.guid}"}
    assert (of_owner.payload, by_step.payload) == (forgotten, {"activity": forgotten})
    assert by_step.last_error == f"Who is {owner.guid}?"
    assert (by_step.answer, by_step.status) == (f"Hello {owner.guid}", "delivered")
    assert of_stranger.payload == payload


def test_an_erasure_that_is_rolled_back_asks_nobody():
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact)

    with transaction.atomic():
        erase_contact(contact.pk)
        transaction.set_rollback(True)

    assert [one.kind for one in deliveries(crm)] == ["activity"]


def test_an_erasure_costs_as_many_queries_however_many_destinations_know_the_contact():
    def queries_for(number):
        contact = make_contact()
        for _ in range(number):
            make_delivery(make_destination(), contact)
        with CaptureQueriesContext(connection) as queries:
            erase_contact(contact.pk)
        return len(queries)

    queries_for(1)
    assert queries_for(8) == queries_for(1)


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        ("waiting", "failed"),
        ("failed", "failed"),
        ("skipped", "skipped"),
        ("delivered", "delivered"),
    ],
)
@pytest.mark.parametrize("days", [29, 31])
def test_a_request_that_does_not_arrive_forgets_whom_it_was_about_after_a_month(
    status, becomes, days
):
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact)
    other = make_delivery(crm, make_contact(), "activity:2")
    erase_contact(contact.pk)
    reason = "" if status in ("waiting", "delivered") else "It was refused."
    made = timezone.now() - timedelta(days=days)
    Delivery.objects.filter(kind="erasure").update(
        status=status,
        reason=reason,
        created_at=made,
        delivered_at=made if status == "delivered" else None,
        answer=f"No {contact.guid}",
        last_error=f"No {contact.guid}",
    )
    Delivery.objects.filter(pk=other.pk).update(created_at=made)
    is_over = days > 30

    assert erasing.give_up_old_requests() == is_over

    (one,) = erasures(crm)
    assert one.status == (becomes if is_over else status)
    assert (one.payload is None) == is_over
    if is_over:
        assert (one.answer, one.last_error) == ("", "")
        assert one.reason == (
            "" if status == "delivered" else f"{reason} {erasing.GIVEN_UP}".strip()
        )
        assert not send_again([one.pk])
        assert requests_to_delete([contact.guid])[0].is_left_to_users == (status != "delivered")
    other.refresh_from_db()
    assert other.payload


def test_a_request_that_arrives_after_all_is_delivered():
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact)
    erase_contact(contact.pk)
    Delivery.objects.filter(kind="erasure").update(
        created_at=timezone.now() - timedelta(days=31), attempts=1
    )
    erasing.give_up_old_requests()
    (one,) = erasures(crm)

    # A worker had it in its hands.
    note([Tried(one.pk, 1, Outcome(Result.DELIVERED))], timezone.now())

    (one,) = erasures(crm)
    assert (one.status, one.payload, one.reason) == ("delivered", None, "")
