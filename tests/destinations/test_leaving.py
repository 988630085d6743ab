"""What has left the hub about a contact, and what is left to do after an erasure."""

import uuid
from datetime import UTC, datetime

import pytest

from activities.erasing import erase_contact
from destinations.leaving import requests_to_delete, what_left_about
from destinations.models import Delivery, Destination
from tests.destinations.made import make_destination, plain_kinds
from tests.destinations.test_erasing import make_delivery
from tests.factories import make_contact

__all__ = ["plain_kinds"]

pytestmark = pytest.mark.django_db


def day(number):
    return datetime(2026, 3, number, tzinfo=UTC)


def test_what_left_is_told_by_destination():
    crm, ads = make_destination(name="CRM"), make_destination(name="Ads")
    contact, other = make_contact(), make_contact()
    make_delivery(crm, contact, "activity:1", attempted_at=day(1), contact_fields=["city", "email"])
    make_delivery(crm, contact, "activity:2", attempted_at=day(5), contact_fields=["guid"])
    make_delivery(crm, contact, "entry:1", kind="group.entered", attempted_at=day(3))
    make_delivery(ads, contact, attempted_at=day(2), contact_fields=["email_sha256", "guid"])
    make_delivery(crm, other, "activity:3", attempted_at=day(9), contact_fields=["notes"])

    first, second = what_left_about([contact.pk])

    assert (first.destination, second.destination) == (ads, crm)
    assert (second.first_at, second.last_at) == (day(1), day(5))
    assert second.counts == {"activity": 2, "group.entered": 1}
    assert (second.count, second.uncertain) == (3, 0)
    assert second.fields == ["guid", "email", "city"]
    assert first.fields == ["guid", "email_sha256"]


def test_what_may_have_arrived_counts_and_is_uncertain():
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact, status="failed", reason="Late.", delivered_at=None)

    (left,) = what_left_about([contact.pk])

    assert (left.count, left.uncertain) == (1, 1)


def test_what_never_went_out_has_not_left():
    crm, contact = make_destination(), make_contact()
    for number, status in enumerate(["waiting", "skipped", "failed"]):
        make_delivery(
            crm,
            contact,
            f"activity:{number}",
            status=status,
            reason="Not sent.",
            attempts=0,
            attempted_at=None,
            delivered_at=None,
        )

    assert what_left_about([contact.pk]) == []


def test_tests_are_about_nobody():
    crm, contact = make_destination(), make_contact()
    make_delivery(crm, contact, f"test:{uuid.uuid4()}", kind="test")

    assert what_left_about([contact.pk]) == []


def test_all_records_of_a_person_count():
    crm, contact = make_destination(), make_contact()
    merged = make_contact(merged_into=contact)
    make_delivery(crm, contact)
    make_delivery(crm, merged, "activity:2")

    assert what_left_about([contact.pk, merged.pk])[0].count == 2


def test_it_takes_three_queries_however_much_has_left(django_assert_num_queries):
    contact = make_contact()
    for _ in range(3):
        crm = make_destination()
        for number in range(3):
            make_delivery(crm, contact, f"activity:{number}")

    with django_assert_num_queries(3):
        assert len(what_left_about([contact.pk])) == 3


def test_after_an_erasure_it_says_what_is_left_to_users():
    crm, files = make_destination(name="CRM"), make_destination(name="Files", type="file")
    late = make_destination(name="Late")
    contact = make_contact()
    for destination in (crm, files, late):
        make_delivery(destination, contact)
    guid = contact.guid
    erase_contact(contact.pk)
    Delivery.objects.filter(destination=late, kind="erasure").update(
        status="failed", reason="It was tried for three days."
    )

    found = requests_to_delete([guid, uuid.uuid4()])

    assert [(one.destination.name, one.status, one.is_left_to_users) for one in found] == [
        ("CRM", "waiting", False),
        ("Files", "skipped", True),
        ("Late", "failed", True),
    ]
    assert {one.guid for one in found} == {str(guid)}
    assert found[1].reason.endswith("Ask for the deletion by other means.")
    assert found[2].reason == "It was tried for three days."
    assert Destination.objects.count() == 3
