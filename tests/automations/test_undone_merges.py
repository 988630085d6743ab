"""Runs and emails are whose they are after a merge was undone, and an undo lets nobody in."""

import pytest

from automations.models import Run
from contacts.undoing import undo_merge
from groups.membership import add_members
from groups.models import MembershipEvent
from tests.automations.entries import follow, make_automation, on_activity, runs
from tests.contacts.merged import merge
from tests.factories import make_activity, make_contact, make_group
from tests.groups.people import follow as follow_groups

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def reader_that_has_begun():
    follow()
    follow_groups()


def test_runs_are_of_the_contact_whose_activity_let_them_in():
    automation = make_automation(on_activity(), runs="many")
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    make_activity(loser)
    follow()
    done = merge(survivor, loser)
    make_activity(survivor, logged_as=loser.guid)
    make_activity(survivor)
    follow()
    assert runs(automation) == [survivor.pk] * 3

    restored = undo_merge(done.pk).restored

    assert restored["runs"] == 2
    assert runs(automation) == [loser.pk, loser.pk, survivor.pk]
    assert set(Run.objects.values_list("status", flat=True)) == {"running"}


def test_what_an_undo_brings_back_lets_nobody_in():
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    group = make_group("fans", static=True)
    add_members(group, [loser.pk], cause=MembershipEvent.Cause.CODE)
    follow_groups()
    done = merge(survivor, loser)
    follow_groups()
    entry = make_automation({"type": "group", "group": group.code_name, "on": "entry"})
    exit_ = make_automation({"type": "group", "group": group.code_name, "on": "exit"})
    field = make_automation({"type": "field", "field": "city"})

    undo_merge(done.pk)
    follow_groups()
    follow()

    assert [runs(one) for one in (entry, exit_, field)] == [[], [], []]
