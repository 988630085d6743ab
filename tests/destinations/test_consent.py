"""Without the agreement that a destination needs, nothing about a contact goes out."""

import pytest

from activities.erasing import erase_contact
from consents.agreements import record_agreement
from contacts.models import Contact
from destinations.permission import obstacles, obstacles_to
from tests.destinations.made import (
    deliveries,
    follow,
    make_destination,
    plain_kinds,
    reader_that_has_begun,
    rung,
)
from tests.factories import make_activity, make_consent, make_contact

__all__ = ["plain_kinds", "reader_that_has_begun", "rung"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("reader_that_has_begun")
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "The contact has not agreed to “Tracking consent”."),
        ([True, False], "The contact has revoked “Tracking consent”."),
    ],
)
def test_what_is_about_contacts_who_do_not_agree_is_skipped_without_payload(answers, reason, rung):
    consent, contact = make_consent(), make_contact(email="ada@example.com")
    crm = make_destination(activities=["pagevisit"], consent=consent)
    for agreed in answers:
        record_agreement(contact, consent, agreed=agreed)
    make_activity(contact)

    follow()

    (delivery,) = deliveries(crm)
    assert (delivery.status, delivery.reason) == ("skipped", reason)
    assert (delivery.payload, delivery.contact_fields) == (None, [])
    assert not rung


@pytest.mark.usefixtures("reader_that_has_begun")
def test_a_contact_who_agrees_is_told_of():
    consent, contact = make_consent(), make_contact()
    crm = make_destination(activities=["pagevisit"], consent=consent)
    record_agreement(contact, consent, agreed=True)
    make_activity(contact)

    follow()

    assert [one.status for one in deliveries(crm)] == ["waiting"]


@pytest.mark.usefixtures("reader_that_has_begun")
def test_also_the_dry_mode_shows_nothing_of_contacts_who_do_not_agree():
    crm = make_destination(activities=["pagevisit"], consent=make_consent(), dry=True)
    make_activity()

    follow()

    assert deliveries(crm)[0].payload is None
    assert deliveries(crm)[0].reason.startswith("The contact has not agreed")


def test_without_a_consent_nobody_is_asked():
    assert obstacles(make_destination(), [make_contact().pk]) == {}


def test_another_consent_is_no_agreement():
    contact, consent = make_contact(), make_consent()
    record_agreement(contact, make_consent("Other"), agreed=True)

    assert contact.pk in obstacles(make_destination(consent=consent), [contact.pk])


def test_of_a_merged_contact_the_answer_of_the_survivor_counts():
    consent, survivor, other = make_consent(), make_contact(), make_contact()
    crm = make_destination(consent=consent)
    loser = make_contact(merged_into=make_contact(merged_into=survivor))
    lost = make_contact(merged_into=other)
    record_agreement(survivor, consent, agreed=True)

    refused = obstacles(crm, [loser.pk, lost.pk])

    assert refused == {lost.pk: "The contact has not agreed to “Tracking consent”."}


def test_an_erased_contact_is_told_nobody():
    contact, crm = make_contact(), make_destination()
    erase_contact(contact.pk)

    assert obstacles(crm, [contact.pk]) == {contact.pk: "The contact was erased."}


def test_all_are_asked_in_one_query(django_assert_num_queries):
    consent, other = make_consent(), make_consent("Other")
    crm, ads = make_destination(consent=consent), make_destination(consent=other)
    contacts = [make_contact() for _ in range(30)]
    for contact in contacts[:10]:
        record_agreement(contact, consent, agreed=True)
    for contact in contacts[10:]:
        record_agreement(contact, other, agreed=True)
    everybody = {contact.pk for contact in contacts}
    assert crm.consent != ads.consent  # they are loaded with their destinations elsewhere

    with django_assert_num_queries(1):
        refused = obstacles_to({crm: everybody, ads: everybody})

    assert set(refused[crm]) == {contact.pk for contact in contacts[10:]}
    assert set(refused[ads]) == {contact.pk for contact in contacts[:10]}
    assert Contact.objects.count() == 30
