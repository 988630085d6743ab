"""Data input: the rules about emails, and the order, hold whatever happens at once."""

from functools import partial
from threading import Barrier, get_ident
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities import data_input
from activities.data_input import apply_data_inputs, apply_data_inputs_of
from activities.drafts import Draft
from activities.models import Activity, DataInput
from activities.recording import Source, record_activities
from config import celery_app
from contacts.changes import create_contacts
from contacts.merging import carry_out_merges, request_merge
from contacts.models import Contact, ContactChange, ContactMerge
from contacts.resolving import find_contact
from tests.factories import make_activity, make_channel, make_contact
from tests.threads import run_at_once
from tests.work import do_data_inputs


def submit(contact, **fields):
    """Record a data input of `contact`, without applying it."""
    draft = Draft(
        type="datainput",
        value="Form",
        contact_fields={f"Contact{name.replace('_', '')}": value for name, value in fields.items()},
    )
    source = Source(door="test", channel=make_channel(), request_id=uuid4())
    (outcome,) = record_activities([draft], contact_guid=contact.guid, source=source)
    assert outcome.accepted
    return Activity.objects.latest("id")


def submit_and_apply(contact, **fields):
    activity = submit(contact, **fields)
    apply_data_inputs_of(contact.pk)
    activity.refresh_from_db()
    contact.refresh_from_db()
    return activity


@pytest.mark.django_db
def test_fields_reach_the_contact():
    contact = make_contact()

    activity = submit_and_apply(contact, email="Luke@Example.com", first_name="Luke", country="usa")

    assert (contact.email, contact.first_name, contact.country) == (
        "Luke@Example.com",
        "Luke",
        "USA",
    )
    assert activity.data_input.outcome == DataInput.Outcome.APPLIED


@pytest.mark.django_db
def test_later_fields_replace_earlier_ones_and_leave_the_others():
    contact = make_contact()
    submit(contact, first_name="Luke", city="Graz")
    submit(contact, first_name="Lucas")

    apply_data_inputs_of(contact.pk)

    contact.refresh_from_db()
    assert (contact.first_name, contact.city) == ("Lucas", "Graz")


@pytest.mark.django_db
def test_own_email_in_other_letter_case_is_no_different_email():
    contact = make_contact(email="luke@example.com")

    submit_and_apply(contact, email="LUKE@example.com", first_name="Luke")

    assert (contact.email, contact.first_name) == ("luke@example.com", "Luke")


@pytest.mark.django_db
def test_different_email_goes_with_all_fields_to_the_contact_who_has_it():
    sender = make_contact(email="ann@example.com", first_name="Ann")
    owner = make_contact(email="bob@example.com")

    activity = submit_and_apply(sender, email="Bob@example.com", first_name="Bob")

    owner.refresh_from_db()
    assert (sender.email, sender.first_name) == ("ann@example.com", "Ann")
    assert owner.first_name == "Bob"
    assert (activity.contact, activity.logged_as) == (owner, sender.guid)
    assert activity.data_input.outcome == DataInput.Outcome.REDIRECTED
    assert activity.data_input.sent_by == sender


@pytest.mark.django_db
def test_different_email_that_nobody_has_makes_a_new_contact():
    sender = make_contact(email="ann@example.com")

    activity = submit_and_apply(sender, email="new@example.com", first_name="New")

    assert sender.first_name == ""
    assert activity.contact != sender
    assert (activity.contact.email, activity.contact.first_name) == ("new@example.com", "New")


@pytest.mark.django_db
def test_anonymous_contact_who_gives_a_known_email_is_merged_and_its_fields_come_last():
    owner = make_contact(email="ann@example.com", first_name="Ann", city="Graz")
    visitor = make_contact(job_title="Baker")

    activity = submit_and_apply(visitor, email="ann@example.com", first_name="Anna")

    owner.refresh_from_db()
    assert find_contact(visitor.guid) == owner
    assert (owner.first_name, owner.city, owner.job_title) == ("Anna", "Graz", "Baker")
    assert activity.contact == owner
    (merge,) = ContactMerge.objects.all()
    assert (merge.reason, merge.status) == ("same_email", "done")


@pytest.mark.django_db
def test_several_inputs_follow_an_anonymous_contact_into_the_merge_in_their_order():
    owner = make_contact(email="ann@example.com")
    visitor = make_contact()
    submit(visitor, first_name="Draft", city="Graz")
    submit(visitor, email="ann@example.com", first_name="Ann")
    submit(visitor, first_name="Anna")

    apply_data_inputs_of(visitor.pk)

    owner.refresh_from_db()
    assert (owner.first_name, owner.city) == ("Anna", "Graz")
    assert not DataInput.objects.filter(outcome=DataInput.Outcome.PENDING).exists()


@pytest.mark.django_db
def test_moving_abroad_clears_the_state():
    contact = make_contact(country="USA", state="CA")

    submit_and_apply(contact, country="DEU")

    assert (contact.country, contact.state) == ("DEU", "")


@pytest.mark.django_db
def test_state_of_a_contact_abroad_is_left_out_and_said_so():
    contact = make_contact(country="DEU")

    activity = submit_and_apply(contact, state="CA", city="Ulm")

    assert (contact.country, contact.state, contact.city) == ("DEU", "", "Ulm")
    assert "CA" in activity.data_input.detail


@pytest.mark.django_db
def test_decision_about_others_holds_up_no_data_input():
    contact, first = make_contact(email="a@example.com"), make_contact(email="b@example.com")
    second = make_contact(email="c@example.com")
    for survivor in (first, second):
        request_merge(survivor=survivor, loser=contact, reason=ContactMerge.Reason.MARKETER)
    Contact.objects.filter(pk=contact.pk).update(email="")

    activity = submit_and_apply(contact, email="b@example.com", city="Oslo")

    first.refresh_from_db()
    assert (first.city, activity.contact) == ("Oslo", first)
    assert find_contact(contact.guid) == first
    assert ContactMerge.objects.get(survivor=second).status == ContactMerge.Status.REVIEW


@pytest.mark.django_db(transaction=True)
def test_broker_that_is_away_costs_no_activity(monkeypatch):
    contact = make_contact()
    unreachable = celery_app.connection_for_write("redis://127.0.0.1:1/0")
    monkeypatch.setattr(celery_app.pool, "acquire", unreachable.clone)

    activity = submit(contact, first_name="Luke")
    do_data_inputs()

    contact.refresh_from_db()
    assert activity.data_input.outcome == DataInput.Outcome.APPLIED
    assert contact.first_name == "Luke"


@pytest.mark.django_db(transaction=True)
def test_many_visitors_who_give_one_email_at_once_become_one_contact():
    visitors = [make_contact() for _ in range(8)]
    for number, visitor in enumerate(visitors):
        submit(visitor, email="ann@example.com", first_name=f"Ann {number}")

    run_at_once(*[partial(apply_data_inputs_of, visitor.pk) for visitor in visitors])
    do_data_inputs()

    (ann,) = Contact.objects.live()
    assert ann.email == "ann@example.com"
    assert ann.activities.count() == 8
    assert not DataInput.objects.filter(outcome=DataInput.Outcome.PENDING).exists()


@pytest.mark.django_db(transaction=True)
def test_many_senders_of_one_new_email_at_once_make_one_contact():
    senders = [make_contact(email=f"{number}@example.com") for number in range(8)]
    for sender in senders:
        submit(sender, email="new@example.com", city="Graz")

    run_at_once(*[partial(apply_data_inputs_of, sender.pk) for sender in senders])
    do_data_inputs()

    (new,) = Contact.objects.with_email("new@example.com")
    assert new.activities.count() == 8
    assert new.city == "Graz"
    assert {sender.activities.count() for sender in senders} == {0}


def visit_with_known_emails(count):
    """Contacts who give an email that another has, or that nobody has: all ways that there are."""
    start = Contact.objects.count()
    for number in range(start, start + count):
        owner = make_contact(email=f"owner-{number}@example.com")
        submit(make_contact(), email=owner.email, city="Graz")
        sender = make_contact(email=f"sender-{number}@example.com")
        submit(sender, email=owner.email, first_name="Ann")
        submit(sender, email=f"new-{number}@example.com", first_name="Eve")


@pytest.mark.django_db
def test_queries_do_not_grow_with_visitors_who_give_known_emails():
    counts = []
    for visitors in (1, 5):
        visit_with_known_emails(visitors)
        with CaptureQueriesContext(connection) as queries:
            do_data_inputs()
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert not DataInput.objects.filter(outcome=DataInput.Outcome.PENDING).exists()
    owners = Contact.objects.live().filter(email__startswith="owner-")
    assert {(owner.city, owner.first_name) for owner in owners} == {("Graz", "Ann")}
    assert Contact.objects.filter(email__startswith="new-", first_name="Eve").count() == 6
    news = ContactChange.objects.filter(after__email__startswith="new-")
    assert {change.source for change in news} == {ContactChange.Source.DATA_INPUT}


@pytest.mark.django_db(transaction=True)
def test_workers_who_want_two_emails_in_opposite_order_begin_anew(monkeypatch):
    both_have_made_one = Barrier(2, timeout=10)
    first = set()

    def create(given):
        made = create_contacts(given)
        if get_ident() not in first:
            first.add(get_ident())
            both_have_made_one.wait()
        return made

    monkeypatch.setattr(data_input, "create_contacts", create)
    one, other = "one@example.com", "other@example.com"
    for number, (own, given) in enumerate([(one, other), (other, one)]):
        submit(make_contact(), email=own, city="Graz")
        submit(make_contact(email=f"{number}@example.com"), email=given, city="Graz")
    waiting = DataInput.objects.order_by("activity_id").values_list("pk", flat=True)

    run_at_once(
        partial(apply_data_inputs, waiting[:2]),
        partial(apply_data_inputs, waiting[2:]),
    )
    do_data_inputs()

    cities = Contact.objects.live().filter(email__in=[one, other]).values_list("city", flat=True)
    assert list(cities) == ["Graz", "Graz"]


@pytest.mark.django_db(transaction=True)
def test_order_of_a_contacts_inputs_survives_several_workers():
    contact = make_contact()
    for number in range(30):
        submit(contact, first_name=f"Name {number}", city=f"City {number}")

    run_at_once(*[partial(apply_data_inputs_of, contact.pk)] * 6)

    contact.refresh_from_db()
    # Those that were applied together have one time.
    inputs = DataInput.objects.order_by("applied_at", "activity_id")
    applied = inputs.values_list("activity_id", flat=True)
    assert (contact.first_name, contact.city) == ("Name 29", "City 29")
    assert list(applied) == sorted(applied)
    assert len(applied) == 30


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_apply_each_input_once():
    contacts = [make_contact() for _ in range(10)]
    for contact in contacts:
        submit(contact, first_name="Luke")

    run_at_once(do_data_inputs, do_data_inputs, do_data_inputs)

    assert Contact.objects.filter(first_name="Luke").count() == 10


@pytest.mark.django_db
def test_data_input_that_its_contacts_merge_missed_is_among_the_rows_that_it_moved():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    merge = request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])
    activity = make_activity(loser)  # by a request that had begun before
    late = DataInput.objects.create(contact=loser, activity=activity, fields={"city": "Graz"})

    apply_data_inputs([late.pk])

    survivor.refresh_from_db()
    assert survivor.city == "Graz"
    assert {moved.key: moved.rows for moved in merge.moved_rows.all()} == {
        "activities.activity.contact": [activity.pk],
        "activities.datainput.contact": [late.pk],
    }
