"""Builds, while things are recorded, merged and erased: nothing is missed or left behind."""

import threading
import time

import pytest
from django.db import connections, transaction

from activities.erasing import erase_contact
from contacts.editing import update_contact
from contacts.merging import carry_out_merges, request_merge
from contacts.models import Contact, ContactMerge
from groups import building, locks
from groups.building import NotYet, build_groups, build_now
from groups.models import Membership, MembershipDue, MembershipEvent
from groups.requesting import request_build
from tests.factories import make_activity, make_channel, make_contact
from tests.groups.meanwhile import in_between
from tests.groups.people import (
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
from tests.threads import run_at_once, wait_until_so_many_wait, wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)

SWISS, AUSTRIAN = {"country": "CHE"}, {"country": "AUT"}


@pytest.mark.parametrize("step", ["_read", "_swap"])
@pytest.mark.parametrize("first", [True, False])
def test_what_is_recorded_during_a_build_is_not_missed(monkeypatch, step, first):
    """Before or after the history was read; of the first rule, or of another one."""
    contact, leaving = make_contact(), make_contact(**SWISS)
    make_activity(leaving)
    conditions = [visited(), lives_in("CHE")]
    group = make_group("visitors", *([] if not first else conditions), built=not first)
    if not first:
        change_rule(group, *conditions, built=False)

    def record():
        update_contact(contact.pk, SWISS)
        make_activity(contact)
        update_contact(leaving.pk, AUSTRIAN)
        follow()  # what the reader has read it does not read again

    in_between(monkeypatch, step, record)
    build_now(group)

    assert members(group) == [contact.pk]
    follow()
    assert members(group) == [contact.pk]


def test_what_is_committed_during_the_swap_is_followed_afterwards(monkeypatch):
    """Of the rules that the reader asks, only the one that a build swaps in cares about it."""
    contact, channel = make_contact(), make_channel()
    group = make_group("visitors", visited(), built=False)
    follow()
    commit = in_other_transaction(lambda: make_activity(contact, channel=channel))
    came = building._look_at_what_came

    def and_more(read):
        came(read)
        commit()
        reader.start()
        wait_until_somebody_waits()

    def read():
        follow()
        connections.close_all()

    reader = threading.Thread(target=read)
    monkeypatch.setattr(building, "_look_at_what_came", and_more)
    build_now(group)
    reader.join(30)
    follow()

    assert members(group) == [contact.pk]
    assert events(group)[-1][2] == "activity"


def test_a_transaction_that_is_open_while_a_build_reads_is_not_missed(monkeypatch):
    contact, channel = make_contact(), make_channel()
    group = make_group("visitors", visited(), built=False)
    follow()  # a hub that runs has begun to read
    commit = in_other_transaction(lambda: make_activity(contact, channel=channel))

    build_now(group)
    assert members(group) == []
    commit()
    follow()

    assert members(group) == [contact.pk]


def test_entries_of_a_group_that_is_named_are_not_missed(monkeypatch):
    contact = make_contact()
    inner = make_group("inner", visited())
    outer = make_group("outer", among(inner), built=False)

    def record():
        make_activity(contact)
        follow()

    in_between(monkeypatch, "_swap", record)
    build_now(outer)

    assert members(outer) == [contact.pk]


@pytest.mark.parametrize("step", ["_read", "_swap"])
def test_a_contact_that_is_erased_during_a_build_leaves_nothing_behind(monkeypatch, step):
    erased, kept = make_contact(**SWISS), make_contact(**SWISS)
    for contact in (erased, kept):
        make_activity(contact)
    group = make_group("swiss", lives_in("CHE"), visited(days=30), built=False)
    in_between(monkeypatch, step, lambda: erase_contact(erased.pk))

    build_now(group)

    assert members(group) == [kept.pk]
    for model in (Membership, MembershipEvent, MembershipDue):
        assert set(model.objects.values_list("contact", flat=True)) == {kept.pk}


def test_an_erasure_that_is_under_way_during_the_swap_leaves_nothing_behind():
    erased = make_contact(**SWISS)
    make_activity(erased)
    group = make_group("swiss", lives_in("CHE"), visited(days=30), built=False)
    follow()
    finish = in_other_transaction(lambda: erase_contact(erased.pk))
    swap = threading.Thread(target=lambda: (build_now(group), connections.close_all()))
    swap.start()
    time.sleep(0.5)
    finish()
    swap.join(30)

    assert not swap.is_alive()
    for model in (Membership, MembershipEvent, MembershipDue):
        assert not model.objects.exists()


@pytest.mark.parametrize("step", ["_read", "_swap"])
def test_a_contact_that_is_merged_during_a_build_is_not_in_the_group(monkeypatch, step):
    survivor, loser = make_contact(email="ann@example.com"), make_contact(**SWISS)
    group = make_group("swiss", lives_in("CHE"), built=False)
    reason = ContactMerge.Reason.MARKETER

    def merge():
        carry_out_merges([request_merge(survivor=survivor, loser=loser, reason=reason).pk])

    in_between(monkeypatch, step, merge)
    build_now(group)

    assert members(group) == [survivor.pk]


def test_a_reader_a_build_and_an_erasure_do_not_wait_for_each_other_in_a_circle(monkeypatch):
    """The erasure has a contact of the build and waits for one that the reader has.

    That is so if the reader began while somebody else was being erased.
    """
    monkeypatch.setattr(locks, "try_hold_off_erasures", lambda: False)
    first, second = make_contact(**SWISS), make_contact(**SWISS)
    Contact.objects.filter(pk=second.pk).update(merged_into=first)
    group = make_group("swiss", lives_in("CHE"), built=False)
    follow()
    is_locked, go_on = threading.Event(), threading.Event()

    @transaction.atomic
    def read():
        locks.lock_contacts([second.pk])
        is_locked.set()
        assert go_on.wait(30)
        locks.lock_groups([group.pk])

    def erase():
        assert is_locked.wait(30)
        erase_contact(first.pk)

    def build():
        assert is_locked.wait(30)
        wait_until_so_many_wait(1)
        build_now(group)

    def let_go():
        wait_until_so_many_wait(2)
        go_on.set()

    run_at_once(read, erase, build, let_go)

    for model in (Membership, MembershipEvent, Contact):
        assert not model.objects.exists()


@pytest.mark.parametrize("leaves", [False, True])
def test_a_build_that_has_locked_the_group_does_not_wait_for_an_erasure(monkeypatch, leaves):
    """It begins anew, and after some times gives up until later."""
    monkeypatch.setattr(building, "_SECONDS_BETWEEN_LOOKS", 0.01)
    contact = make_contact(**(SWISS if leaves else {}))
    group = make_group("swiss", lives_in("CHE"), built=leaves)
    build = request_build(group)
    follow()
    in_between(
        monkeypatch, "_swap", lambda: update_contact(contact.pk, AUSTRIAN if leaves else SWISS)
    )
    came, finishes = building._look_at_what_came, []

    def look(read):
        if not finishes:
            finishes.append(in_other_transaction(lambda: erase_contact(contact.pk)))
        came(read)

    monkeypatch.setattr(building, "_look_at_what_came", look)
    with pytest.raises(NotYet):
        build_groups([build.pk])
    finishes[0]()
    build_groups([build.pk])

    build.refresh_from_db()
    assert build.status == "done"
    for model in (Membership, MembershipEvent):
        assert not model.objects.exists()
