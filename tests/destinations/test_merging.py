"""Contacts who were merged: what goes out is about the survivor."""

import threading

import pytest
from django.db import transaction

from activities.erasing import erase_contact
from consents.agreements import record_agreement
from contacts.merging import request_merge
from contacts.models import Contact, ContactMerge
from destinations.facts import Fact
from destinations.making import add_deliveries
from destinations.models import Delivery
from tests.destinations.made import (
    deliveries,
    follow,
    make_destination,
    payloads,
    plain_kinds,
    reader_that_has_begun,
)
from tests.factories import make_activity, make_consent, make_contact
from tests.threads import run_at_once, wait_until_somebody_waits
from tests.work import do_merges

__all__ = ["plain_kinds", "reader_that_has_begun"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reader_that_has_begun"),
]


def merge(survivor, loser):
    request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    do_merges()


def test_what_a_merged_contact_did_is_told_of_the_survivor():
    consent = make_consent()
    crm = make_destination(activities=["pagevisit"], groups=[], consent=consent, fields=["city"])
    survivor, loser = make_contact(email="ada@example.com", city="London"), make_contact()
    record_agreement(survivor, consent, agreed=True)
    make_activity(loser)

    merge(survivor, loser)
    follow()

    (delivery,) = deliveries(crm)
    assert (delivery.status, delivery.contact) == ("waiting", survivor)
    assert delivery.payload["contact"] == {
        "guid": str(survivor.guid),
        "email": "ada@example.com",
        "city": "London",
    }


def test_what_a_merge_has_not_moved_yet_is_told_of_the_survivor():
    crm = make_destination(activities=["pagevisit"], fields=[])
    survivor = make_contact(email="ada@example.com")
    loser = make_contact()
    activity = make_activity(loser)
    Contact.objects.filter(pk=loser.pk).update(merged_into=make_contact(merged_into=survivor))

    follow()

    (delivery,) = deliveries(crm)
    assert (delivery.source, delivery.contact) == (f"activity:{activity.pk}", survivor)
    assert delivery.payload["contact"]["guid"] == str(survivor.guid)


def test_deliveries_go_to_the_survivor_and_keep_their_payload():
    crm = make_destination(activities=["pagevisit"])
    survivor, loser = make_contact(), make_contact()
    make_activity(loser)
    follow()

    merge(survivor, loser)

    (delivery,) = deliveries(crm)
    assert delivery.contact == survivor
    assert delivery.payload["contact"]["guid"] == str(loser.guid)
    assert delivery.status == "waiting"


def test_a_merge_that_is_done_meanwhile_leaves_no_delivery_at_the_loser():
    crm = make_destination()
    survivor, loser = make_contact(), make_contact()
    request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    fact = Fact("activity:1", "activity", loser.pk, loser.created_at, {})

    with transaction.atomic():
        add_deliveries([(crm, [fact])])
        run_at_once(do_merges)
        assert Delivery.objects.get().contact == loser
    do_merges()

    assert Delivery.objects.get().contact == survivor
    assert len(payloads(crm)) == 1


def test_a_contact_who_is_erased_meanwhile_is_told_nobody():
    crm, gone, other = make_destination(), make_contact(), make_contact()
    facts = [
        Fact(f"activity:{one.pk}", "activity", one.pk, one.created_at, {}) for one in (gone, other)
    ]
    is_erased = threading.Event()

    def erase():
        with transaction.atomic():
            erase_contact(gone.pk)
            is_erased.set()
            wait_until_somebody_waits()

    def add():
        assert is_erased.wait(20)
        with transaction.atomic():
            return add_deliveries([(crm, facts)])

    _, not_sent = run_at_once(erase, add)

    assert not_sent == {(crm.pk, f"activity:{gone.pk}"): "The contact was erased."}
    assert [one.contact for one in deliveries(crm)] == [other]
