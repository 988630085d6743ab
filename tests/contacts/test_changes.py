"""Every change of a contact is kept with its source."""

from datetime import UTC, date, datetime
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from contacts.changes import Changes, Origin, change_contact, create_anonymous, create_contact
from contacts.editing import create_or_update_contact, update_contact
from contacts.identifying import Identity, identify
from contacts.merging import carry_out_merges, request_merge
from contacts.models import Contact, ContactChange, ContactMerge
from tests.factories import make_contact
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
CODE = Origin(ContactChange.Source.CODE)


def changes_of(contact):
    rows = ContactChange.objects.filter(contact=contact).order_by("pk")
    return [(row.source, row.before, row.after) for row in rows]


def test_change_has_what_was_and_what_became_of_the_fields_that_differ():
    contact = make_contact(city="Bern", first_name="Anna", birthday=date(1990, 5, 1))

    change_contact(contact, {"city": "Basel", "first_name": "Anna", "birthday": None}, CODE)

    contact.refresh_from_db()
    assert (contact.city, contact.first_name, contact.birthday) == ("Basel", "Anna", None)
    assert changes_of(contact) == [
        ("code", {"city": "Bern", "birthday": "1990-05-01"}, {"city": "Basel", "birthday": ""})
    ]


def test_what_a_contact_has_already_is_no_change(django_assert_num_queries):
    contact = make_contact(city="Bern")

    with django_assert_num_queries(0):
        change_contact(contact, {"city": "Bern", "zip": ""}, CODE)


def test_many_changes_are_two_statements(django_assert_num_queries):
    people = [make_contact() for _ in range(20)]
    changes = Changes()
    for number, person in enumerate(people):
        changes.add(person, {"city": f"City {number}"}, CODE)
        changes.add(person, {"city": f"Town {number}", "birthday": date(1990, 1, 1)}, CODE)

    with django_assert_num_queries(2):
        changes.write()

    people[7].refresh_from_db()
    assert (people[7].city, people[7].birthday) == ("Town 7", date(1990, 1, 1))
    assert [after["city"] for _, _, after in changes_of(people[7])] == ["City 7", "Town 7"]


def test_email_is_written_with_its_key():
    contact = make_contact()

    change_contact(contact, {"email": "Eva@Bücher.example"}, CODE)

    assert Contact.objects.with_email("eva@xn--bcher-kva.example").get() == contact
    contact.refresh_from_db()
    assert contact.email == "Eva@Bücher.example"


def test_new_contact_with_fields_is_a_change_and_an_anonymous_one_is_none():
    known = create_contact({"email": "ann@example.com"}, CODE)
    anonymous = create_contact({}, CODE)

    assert changes_of(known) == [("code", {"email": ""}, {"email": "ann@example.com"})]
    assert changes_of(anonymous) == []


def test_functions_for_code_and_for_applications_name_their_source():
    contact, _ = create_or_update_contact("ann@example.com", {"city": "Bern"})
    update_contact(contact.pk, {"city": "Basel"}, Origin(ContactChange.Source.API))

    assert [(source, after) for source, _, after in changes_of(contact)] == [
        ("code", {"email": "ann@example.com", "city": "Bern"}),
        ("api", {"city": "Basel"}),
    ]


def test_event_that_names_an_email_is_a_source():
    contact = identify(Identity(site_id="1", user_id="4711", email="ann@example.com"))

    assert changes_of(contact) == [("identified", {"email": ""}, {"email": "ann@example.com"})]


def test_merge_is_the_source_of_what_it_brought():
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    merge = request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])

    assert changes_of(survivor) == [("merge", {"city": ""}, {"city": "Bern"})]
    assert ContactChange.objects.get().merge == merge
    assert changes_of(loser) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "merge"},
        {"source": "data_input"},
        {"source": "code", "activity_id": 1},
        {"source": "code", "before": {"city": "Bern"}},
    ],
    ids=["merge-without-one", "data-input-without-one", "code-with-activity", "no-change"],
)
def test_database_refuses_changes_that_cannot_be(fields):
    fields = {"before": {"city": ""}, "after": {"city": "Bern"}} | fields

    with pytest.raises(IntegrityError), transaction.atomic():
        ContactChange.objects.create(contact=make_contact(), **fields)


def test_anonymous_contacts_have_no_fields_and_no_change():
    first, second = create_anonymous(), create_anonymous()

    assert first.guid != second.guid
    assert {first.email, first.first_name, first.country} == {""}
    assert changes_of(first) == changes_of(second) == []


def test_anonymous_contact_is_made_once_for_each_guid():
    guid, began_at = uuid4(), datetime(2026, 1, 1, tzinfo=UTC)

    made = create_anonymous(guid, created_at=began_at)
    change_contact(made, {"city": "Bern"}, CODE)
    again = create_anonymous(guid)

    assert (made.guid, made.created_at) == (guid, began_at)
    assert (again.pk, again.city, again.created_at) == (made.pk, "Bern", began_at)


@pytest.mark.django_db(transaction=True)
def test_callers_who_want_one_guid_at_once_get_one_contact():
    contacts = run_at_once(*[partial(create_anonymous, uuid4())] * 4)

    assert len({contact.pk for contact in contacts}) == 1
