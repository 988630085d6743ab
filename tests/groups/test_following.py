"""The reader keeps groups true, whatever happens to contacts."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activities.erasing import erase_contact
from activities.models import Activity
from consents.agreements import record_agreement
from contacts.editing import update_contact
from contacts.touching import touch
from groups import looking
from groups.followed import followed_groups
from groups.following import GROUPS
from groups.models import GroupBuild, Membership, MembershipDue, MembershipEvent
from readers import reading
from readers.models import ReaderState
from tests.contacts.merged import merge
from tests.factories import make_activity, make_activity_type, make_consent, make_contact
from tests.groups.people import (
    agreed,
    among,
    change_rule,
    events,
    follow,
    lives_in,
    make_group,
    members,
    visited,
)
from tests.readers.transactions import in_other_transaction
from tests.threads import run_at_once, wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_activity_makes_a_member():
    contact, other = make_contact(), make_contact()
    group = make_group("visitors", visited(url={"operator": "contains", "value": "/loans"}))
    assert members(group) == []

    make_activity(other, url="https://www.example.com/")
    activity = make_activity(contact, url="https://www.example.com/Loans")
    follow()

    assert members(group) == [contact.pk]
    assert events(group) == [(contact.pk, "in", "activity", activity.pk)]


def test_a_change_of_a_contact_makes_and_unmakes_a_member():
    contact = make_contact()
    group = make_group("swiss", lives_in("CHE"))

    update_contact(contact.pk, {"country": "CHE"})
    update_contact(contact.pk, {"city": "Bern"})
    follow()
    assert members(group) == [contact.pk]

    update_contact(contact.pk, {"country": "AUT"})
    follow()
    assert members(group) == []
    entered, left = contact.changes.filter(after__has_key="country").order_by("pk")
    assert events(group) == [
        (contact.pk, "in", "change", entered.pk),
        (contact.pk, "out", "change", left.pk),
    ]


def test_an_answer_to_a_consent_makes_and_unmakes_a_member():
    contact, consent = make_contact(), make_consent()
    group = make_group("agreeing", agreed(consent))

    yes = record_agreement(contact, consent, agreed=True)
    follow()
    assert members(group) == [contact.pk]

    no = record_agreement(contact, consent, agreed=False)
    follow()
    assert events(group) == [
        (contact.pk, "in", "agreement", yes.pk),
        (contact.pk, "out", "agreement", no.pk),
    ]


def test_a_new_contact_is_a_member_where_nothing_has_to_be_known():
    group = make_group("not-american", lives_in("USA", negate=True))
    swiss = make_group("swiss", lives_in("CHE"))

    anonymous, american = make_contact(), make_contact(country="USA")
    # Made with a country, and without a change that says so.
    from_bern = make_contact(country="CHE")
    follow()

    assert members(group) == [anonymous.pk, from_bern.pk]
    assert american.pk not in members(group)
    assert members(swiss) == [from_bern.pk]
    assert events(group)[0] == (anonymous.pk, "in", "created", anonymous.pk)


def test_a_merge_takes_the_loser_out_and_looks_at_the_survivor():
    survivor, loser = make_contact(email="ann@example.com"), make_contact(country="CHE")
    make_activity(loser)
    visitors = make_group("visitors", visited())
    swiss = make_group("swiss", lives_in("CHE"))
    assert (members(visitors), members(swiss)) == ([loser.pk], [loser.pk])

    merged = merge(survivor, loser)
    follow()

    assert (members(visitors), members(swiss)) == ([survivor.pk], [survivor.pk])
    assert events(visitors)[1:] == [
        (survivor.pk, "in", "merge", merged.pk),
        (loser.pk, "out", "merge", merged.pk),
    ]


def test_activities_that_were_deleted_unmake_a_member():
    contact = make_contact()
    make_activity(contact)
    group = make_group("visitors", visited())

    with transaction.atomic():
        Activity.objects.filter(contact=contact)._raw_delete("default")
        touch(contact.pk)
    follow()

    assert members(group) == []
    assert events(group)[-1][:3] == (contact.pk, "out", "touched")


def test_a_group_that_names_another_follows_it():
    contact = make_contact()
    visitors = make_group("visitors", visited())
    inner = make_group("inner", among(visitors))
    outer = make_group("outer", among(inner), lives_in("USA", negate=True))
    others = make_group("others", among(inner, negate=True))
    follow()
    assert members(others) == [contact.pk]

    activity = make_activity(contact)
    follow()

    assert [members(group) for group in (visitors, inner, outer, others)] == [
        [contact.pk],
        [contact.pk],
        [contact.pk],
        [],
    ]
    assert events(visitors) == [(contact.pk, "in", "activity", activity.pk)]
    assert events(inner) == [(contact.pk, "in", "group", visitors.pk)]
    assert events(outer) == [(contact.pk, "in", "group", inner.pk)]
    assert events(others)[-1] == (contact.pk, "out", "group", inner.pk)


def test_groups_of_groups_do_not_flicker():
    """One that looks at two of which one follows the other sees both as they end."""
    contact = make_contact()
    first = make_group("z-first", visited())
    second = make_group("y-second", among(first))
    third = make_group("x-third", among(second))
    never = make_group("a-never", among(first), among(third, negate=True))

    make_activity(contact)
    follow()

    assert members(third) == [contact.pk]
    assert (members(never), events(never)) == ([], [])


def test_entries_of_a_build_reach_the_groups_that_name_the_group():
    contact = make_contact(country="CHE")
    inner = make_group("inner", visited())
    outer = make_group("outer", among(inner))

    change_rule(inner, lives_in("CHE"))
    follow()

    assert members(outer) == [contact.pk]
    assert events(outer) == [(contact.pk, "in", "group", inner.pk)]


def test_a_type_that_comes_later_counts_as_soon_as_it_is_there():
    contact = make_contact()
    group = make_group("calculating", visited(activities=["custom_loan_calculator"]))
    followed_groups()

    make_activity(contact, type=make_activity_type("Custom_Loan_Calculator"))
    follow()

    assert members(group) == [contact.pk]


def test_a_window_is_due_at_its_end():
    now = timezone.now()
    contact = make_contact()
    group = make_group("recent", visited(days=30))
    make_activity(contact, occurred_at=now - timedelta(days=29))
    follow()

    due = MembershipDue.objects.get(group=group)
    assert (due.contact_id, due.due_at) == (contact.pk, now + timedelta(days=1))


def test_an_activity_that_puts_off_the_end_of_a_window_writes_nothing():
    """The look at the earlier time finds that it is too early: it costs less than a row each."""
    now = timezone.now()
    contact = make_contact()
    group = make_group("recent", visited(days=30))
    make_activity(contact, occurred_at=now - timedelta(days=29))
    follow()
    make_activity(contact, occurred_at=now)
    follow()

    assert MembershipDue.objects.get(group=group).due_at == now + timedelta(days=1)


def test_a_group_that_cannot_be_followed_holds_up_no_other(monkeypatch):
    contact = make_contact()
    good, bad = make_group("good", visited()), make_group("bad", visited())
    look = looking._look

    def fail(group, *args):
        if group.id == bad.pk:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        return look(group, *args)

    monkeypatch.setattr(looking, "_look", fail)
    make_activity(contact)
    follow()

    assert members(good) == [contact.pk]
    assert not ReaderState.objects.exclude(last_error="").exists()
    bad.refresh_from_db()
    assert bad.served_rule is None
    assert GroupBuild.objects.get(group=bad, status="waiting")


def test_what_was_recorded_before_the_reader_began_is_not_read_again():
    for _ in range(3):
        make_activity()
    group = make_group("visitors", visited())

    with CaptureQueriesContext(connection) as queries:
        follow()

    assert len(members(group)) == 3
    assert not [query for query in queries if "INSERT INTO groups_membership" in query["sql"]]


def test_a_transaction_that_is_committed_late_is_followed():
    contact = make_contact()
    group = make_group("visitors", visited())
    commit = in_other_transaction(lambda: make_activity(contact))
    commit()
    follow()

    assert members(group) == [contact.pk]


def test_a_contact_that_is_erased_while_it_is_looked_at_leaves_nothing_behind(monkeypatch):
    contact = make_contact()
    make_group("recent", visited(days=30))
    look = looking._look
    eraser = threading.Thread(target=lambda: (erase_contact(contact.pk), connections.close_all()))

    def look_and_be_waited_for(*args):
        found = look(*args)
        eraser.start()
        wait_until_somebody_waits()
        return found

    monkeypatch.setattr(looking, "_look", look_and_be_waited_for)
    make_activity(contact)
    follow()
    eraser.join(30)

    assert not eraser.is_alive()
    for model in (Membership, MembershipEvent, MembershipDue):
        assert not model.objects.exists()


def test_a_contact_that_is_being_erased_when_a_reader_comes_leaves_nothing_behind():
    contact, other = make_contact(), make_contact()
    group = make_group("recent", visited(days=30))
    for one in (contact, other):
        make_activity(one)
    finish = in_other_transaction(lambda: erase_contact(contact.pk))
    reader = threading.Thread(target=lambda: (follow(), connections.close_all()))
    reader.start()
    wait_until_somebody_waits()
    finish()
    reader.join(30)

    assert not reader.is_alive()
    assert members(group) == [other.pk]
    for model in (Membership, MembershipEvent, MembershipDue):
        assert set(model.objects.values_list("contact", flat=True)) == {other.pk}


def test_two_workers_read_at_once():
    contacts = [make_contact() for _ in range(4)]
    group = make_group("visitors", visited())
    for contact in contacts:
        make_activity(contact)

    run_at_once(*[lambda: reading.read_next(GROUPS, 2)] * 3, lambda: reading.read_next(GROUPS, 1))
    follow()

    assert members(group) == [contact.pk for contact in contacts]
    assert len(events(group)) == 4
