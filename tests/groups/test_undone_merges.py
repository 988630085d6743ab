"""Groups and runs are right after a merge was undone."""

import pytest
from django.utils import timezone

from automations.following import AUTOMATIONS
from contacts.undoing import plan_undo, undo_merge
from groups.explaining import explain
from groups.membership import add_members
from groups.models import Membership, MembershipEvent
from groups.past import contact_then
from readers.reading import read_next
from tests.contacts.merged import merge
from tests.factories import make_activity, make_contact
from tests.groups.people import follow, make_group, visited

pytestmark = pytest.mark.django_db(transaction=True)


def put_on(group, contact):
    add_members(group, [contact.pk], cause=MembershipEvent.Cause.CODE)


def members(group):
    return set(Membership.objects.filter(group=group).values_list("contact", flat=True))


def lives_in(city):
    return {"type": "field", "field": "city", "operator": "equals", "value": city}


def test_places_in_lists_are_given_back():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    brought, both = make_group("brought", static=True), make_group("both", static=True)
    put_on(brought, loser)
    put_on(both, loser)
    put_on(both, survivor)
    follow()
    done = merge(survivor, loser)
    follow()
    assert (members(brought), members(both)) == ({survivor.pk}, {survivor.pk})
    planned = plan_undo(done).restored

    undo_merge(done.pk)
    follow()

    assert planned == {"places in static groups": 2}
    assert (members(brought), members(both)) == ({loser.pk}, {survivor.pk, loser.pk})
    last = MembershipEvent.objects.filter(group=brought, contact=loser).order_by("pk").last()
    assert (last.entered, last.cause, last.cause_id) == (True, "undo", done.pk)


def test_a_place_stays_if_the_survivor_was_put_there_since():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    group = make_group("list", static=True)
    put_on(group, loser)
    follow()
    done = merge(survivor, loser)
    follow()
    Membership.objects.filter(group=group).delete()
    MembershipEvent.objects.create(group=group, contact=survivor, entered=False, cause="user")
    put_on(group, survivor)

    undo_merge(done.pk)
    follow()

    assert members(group) == {survivor.pk, loser.pk}


def test_an_undo_before_the_reader_came_by_leaves_lists_as_they_were():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    group = make_group("list", static=True)
    put_on(group, loser)
    follow()
    done = merge(survivor, loser)

    undo_merge(done.pk)
    follow()

    assert members(group) == {loser.pk}


def test_a_chain_of_merges_is_undone_step_by_step():
    first, second, third = make_contact(), make_contact(), make_contact(email="a@example.com")
    group = make_group("list", static=True)
    put_on(group, first)
    follow()
    one, two = merge(second, first), merge(third, second)
    follow()
    assert members(group) == {third.pk}

    undo_merge(two.pk)
    follow()
    assert members(group) == {second.pk}

    undo_merge(one.pk)
    follow()
    assert members(group) == {first.pk}


def test_groups_with_rules_look_at_both_again():
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    group = make_group("in-bern", lives_in("Bern"))
    follow()
    done = merge(survivor, loser)
    follow()
    merged_at = timezone.now()
    assert members(group) == {survivor.pk}

    undo_merge(done.pk)
    follow()

    assert members(group) == {loser.pk}
    entry = MembershipEvent.objects.filter(contact=loser, entered=True).last()
    assert entry.cause == "undo"
    assert contact_then(loser.guid, merged_at) == survivor
    assert contact_then(loser.guid, timezone.now()) == loser
    assert explain(group, survivor, merged_at)["member"]
    assert not explain(group, survivor)["member"]


def test_what_a_contact_did_is_explained_as_it_was_while_they_were_one():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    activity = make_activity(loser)
    group = make_group("visitors", visited())
    before = timezone.now()
    done = merge(survivor, loser)
    follow()
    merged_at = timezone.now()
    undo_merge(done.pk)
    follow()
    activity.refresh_from_db()
    assert activity.contact == loser

    answers = [
        explain(group, contact, at)["member"]
        for contact in (survivor, loser)
        for at in (before, merged_at, None)
    ]

    assert answers == [False, True, False, True, False, True]


def test_readers_of_automations_follow_undone_merges():
    done = merge(make_contact(email="ann@example.com"), make_contact())
    undo_merge(done.pk)

    while read_next(AUTOMATIONS):
        pass
