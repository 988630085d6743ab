"""Merges are undone while others write, and in portions."""

from functools import partial

import pytest

from activities.erasing import erase_contact
from contacts.models import Contact, UndoneMerge
from contacts.undoing import CannotUndo, settle_undone, undo_merge
from tests.contacts.merged import merge, record, undo
from tests.factories import make_activity, make_channel, make_contact
from tests.threads import run_at_once
from tests.work import do_merges

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_two_undos_at_once_are_one():
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    make_activity(loser)
    done = merge(survivor, loser)

    def try_it():
        try:
            return undo_merge(done.pk).restored
        except CannotUndo as error:
            return str(error)

    answers = run_at_once(try_it, try_it)

    assert sorted(answers, key=str) == sorted(
        [f"Merge {done.pk} was undone already.", {"activities": 1, "fields": ["city"]}], key=str
    )


@pytest.mark.django_db(transaction=True)
def test_an_undo_and_an_erasure_at_once_end_in_one_of_the_two_orders():
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    done = merge(survivor, loser)

    def try_it():
        try:
            undo_merge(done.pk)
        except CannotUndo as error:
            return str(error)
        return ""

    answer, _ = run_at_once(try_it, partial(erase_contact, survivor.pk))

    assert list(Contact.objects.values_list("pk", flat=True)) == ([] if answer else [loser.pk])


@pytest.mark.django_db(transaction=True)
def test_activities_recorded_during_the_undo_end_up_with_whom_they_name():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    channel = make_channel()
    done = merge(survivor, loser)

    def write():
        for _ in range(20):
            record(loser.guid, channel)

    run_at_once(write, write, partial(undo_merge, done.pk))
    (undone,) = UndoneMerge.objects.all()
    for _ in range(200):
        settle_undone([undone.pk])

    undone.refresh_from_db()
    assert undone.is_settled
    assert (survivor.activities.count(), loser.activities.count()) == (0, 40)


def test_very_many_activities_go_back_in_chunks(monkeypatch):
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    channel = make_channel()
    for _ in range(25):
        make_activity(loser, channel=channel)
    done = merge(survivor, loser)
    monkeypatch.setattr("contacts.returning.CHUNK", 10)

    undone = undo_merge(done.pk)

    assert undone.restored == {"activities": 25}
    assert loser.activities.count() == 10
    settle_undone([undone.pk])
    assert loser.activities.count() == 25


def test_a_merge_that_is_not_settled_yet_can_be_undone(monkeypatch):
    monkeypatch.setattr("contacts.moving.CHUNK", 10)
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    channel = make_channel()
    for _ in range(25):
        make_activity(loser, channel=channel)
    done = merge(survivor, loser)
    assert survivor.activities.count() == 10

    undo(done)
    do_merges()

    assert (survivor.activities.count(), loser.activities.count()) == (0, 25)
