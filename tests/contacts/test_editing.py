"""Contacts are made and changed on behalf of applications and users who look after them."""

import pytest

from contacts.editing import (
    EmailTaken,
    InvalidContact,
    create_contact,
    create_or_update_contact,
    update_contact,
)
from contacts.merging import carry_out_merges, request_merge
from contacts.models import Contact, ContactMerge
from tests.factories import make_contact
from tests.threads import run_at_once


@pytest.mark.django_db
def test_contact_is_made_with_its_fields():
    contact = create_contact({"email": "ann@example.com", "first_name": "Ann"})

    contact.refresh_from_db()
    assert (contact.email, contact.first_name) == ("ann@example.com", "Ann")


@pytest.mark.django_db
def test_update_changes_the_given_fields_only():
    contact = make_contact(email="ann@example.com", first_name="Ann", last_name="Archer")

    updated = update_contact(contact.pk, {"email": "anna@example.com", "first_name": ""})

    contact.refresh_from_db()
    assert updated == contact
    assert contact.email == "anna@example.com"
    assert (contact.first_name, contact.last_name) == ("", "Archer")


@pytest.mark.django_db
def test_update_of_a_merged_contact_changes_the_survivor():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    merge = request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])

    updated = update_contact(loser.pk, {"first_name": "Ann"})

    assert updated == survivor
    assert Contact.objects.get(first_name="Ann") == survivor


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        ("email", "ann", "Enter a valid email address."),
        ("email", "a\0@example.com", "A text has no NUL character."),
        ("first_name", "x" * 101, "Ensure this value has at most 100 characters (it has 101)."),
        ("state", "CA", "Only contacts in the USA have a state."),
    ],
)
def test_what_a_contact_cannot_be_is_refused(field, value, detail):
    contact = make_contact(country="DEU")

    with pytest.raises(InvalidContact) as refusal:
        update_contact(contact.pk, {field: value})

    assert refusal.value.detail == detail
    assert refusal.value.field == ("" if field == "state" else field)
    assert Contact.objects.get().country == "DEU"


@pytest.mark.django_db
def test_email_of_another_contact_is_taken_in_any_letter_case():
    make_contact(email="Ann@Example.com")
    other = make_contact(email="bob@example.com")

    with pytest.raises(EmailTaken):
        create_contact({"email": "ann@example.com"})
    with pytest.raises(EmailTaken):
        update_contact(other.pk, {"email": "ANN@example.com"})

    assert update_contact(other.pk, {"email": "Bob@example.com"}).email == "Bob@example.com"


@pytest.mark.django_db
def test_email_that_only_a_merged_contact_has_is_free():
    survivor = make_contact(email="ann@example.com")
    make_contact(email="anna@example.com", merged_into=survivor)

    assert create_contact({"email": "anna@example.com"}).merged_into is None


@pytest.mark.django_db
def test_contact_is_made_once_and_updated_from_then_on():
    made, is_new = create_or_update_contact("ann@example.com", {"first_name": "Ann"})
    found, is_new_again = create_or_update_contact("ANN@example.com", {"last_name": "Archer"})

    assert (is_new, is_new_again) == (True, False)
    assert made == found
    assert (found.email, found.full_name) == ("ann@example.com", "Ann Archer")


@pytest.mark.django_db(transaction=True)
def test_one_email_at_the_same_time_makes_one_contact_and_tells_the_others():
    def create():
        try:
            return create_contact({"email": "ann@example.com"})
        except EmailTaken:
            return None

    results = run_at_once(*[create] * 8)

    assert [contact for contact in results if contact] == list(Contact.objects.all())


@pytest.mark.django_db(transaction=True)
def test_one_email_at_the_same_time_is_one_contact_for_all_who_do_not_mind():
    names = [f"Ann {number}" for number in range(8)]

    results = run_at_once(
        *[
            lambda name=name: create_or_update_contact("ann@example.com", {"first_name": name})
            for name in names
        ]
    )

    contact = Contact.objects.get()
    assert {found for found, _ in results} == {contact}
    assert [is_new for _, is_new in results].count(True) == 1
    assert contact.first_name in names
