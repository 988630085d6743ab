"""Broadcasts for many people wait until a second user has approved of what they are."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from automations.broadcasting import (
    approve_broadcast,
)
from automations.emails.saving import save_template
from automations.looked_at import changes_since_approval, mark_of
from automations.models import Broadcast, Template
from automations.saving import save_automation
from tests.automations.broadcasts import approve, broadcast, make_austrians, work
from tests.automations.entries import make_automation, runs
from tests.automations.mails import make_template

pytestmark = pytest.mark.django_db


def test_an_audience_that_has_grown_until_it_starts_needs_approval(settings, ben):
    settings.AUTOMATION_APPROVAL_FROM = 2
    make_austrians(1)
    automation = make_automation()
    row = broadcast(automation, starts_at=timezone.now() + timedelta(hours=1))
    assert row.status == "waiting"
    make_austrians(1)

    work(row, now=True)

    assert (row.status, row.total, runs(automation)) == ("unapproved", 2, [])
    approve(row, ben)
    work(row, now=True)
    assert (row.status, row.entered) == ("done", 2)


def test_many_people_need_the_approval_of_a_second_user(settings, ada, ben):
    settings.AUTOMATION_APPROVAL_FROM = 2
    make_austrians(2)
    automation = make_automation()
    row = broadcast(automation, by=ada)
    work(row)
    assert (row.status, runs(automation)) == ("unapproved", [])

    with pytest.raises(ValidationError, match="another user"):
        approve(row, ada)
    approve(row, ben)
    work(row)

    assert (row.status, row.approved_by, row.entered) == ("done", ben, 2)
    with pytest.raises(ValidationError, match="does not wait"):
        approve(row, ben)


def approved_broadcast(settings, by, automation, **fields):
    """A broadcast for three that a second user has approved of, where two need approval."""
    settings.AUTOMATION_APPROVAL_FROM = 2
    make_austrians(3)
    row = broadcast(automation, **fields)
    approve(row, by)
    return row


def add_step(automation):
    automation.steps = [*automation.steps, {"type": "wait", "for": "3 days"}]
    save_automation(automation)


def let_enter_once(automation):
    automation.runs = "once"
    save_automation(automation)


def change_template(_):
    template = Template.objects.get()
    template.subject = "Something else"
    save_template(template)


def make_the_template_that_was_missing(_):
    Template.objects.all().delete()
    make_template(code_name="letter")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add_step, "The automation is version 2, and was version 1."),
        (let_enter_once, "A contact may enter: Once. It was: Many times, at most 10 in 24 hours."),
        (change_template, "The template “letter” was changed."),
        (make_the_template_that_was_missing, "The template “letter” was changed."),
        (lambda _: make_austrians(2), "It is for 5 contacts, and was for 3."),
    ],
    ids=["steps", "how-often", "template", "new-template", "audience"],
)
def test_what_nobody_has_looked_at_needs_approval_again(settings, ben, change, said):
    make_template(code_name="letter")
    automation = make_automation(steps=[{"type": "email", "template": "Letter"}])
    row = approved_broadcast(settings, ben, automation)

    change(automation)
    work(row, now=True)

    assert (row.status, runs(automation)) == ("unapproved", [])
    assert changes_since_approval(row) == [said]
    approve(row, ben)
    work(row, now=True)
    assert (row.status, row.entered) == ("done", row.total)


def test_a_few_more_contacts_need_no_approval_again(settings, ben):
    automation = make_automation()
    row = approved_broadcast(settings, ben, automation)

    make_austrians(1)
    work(row, now=True)

    assert (row.status, row.entered) == ("done", 4)


@pytest.mark.parametrize("change", [add_step, change_template], ids=["steps", "template"])
def test_those_who_come_later_do_not_get_what_nobody_has_looked_at(settings, ben, change):
    make_template(code_name="letter")
    automation = make_automation(steps=[{"type": "email", "template": "letter"}])
    row = approved_broadcast(settings, ben, automation, per_minute=1)
    work(row)

    change(automation)
    work(row, now=True)

    assert (row.status, row.reached) == ("unapproved", 1)


def test_an_audience_that_grows_while_it_enters_needs_approval(settings, ben):
    row = approved_broadcast(settings, ben, make_automation(), per_minute=1)
    work(row)
    make_austrians(4)

    for _ in range(5):
        work(row, now=True)

    assert (row.status, row.reached, row.total) == ("unapproved", 3, 7)
    approve(row, ben)
    for _ in range(5):
        work(row, now=True)
    assert (row.status, row.reached) == ("done", 7)


def test_many_who_join_a_broadcast_for_few_need_approval(settings):
    settings.AUTOMATION_APPROVAL_FROM = 2
    make_austrians(1)
    row = broadcast(make_automation(), per_minute=1)
    work(row)
    make_austrians(1)

    work(row, now=True)

    assert (row.status, row.reached, row.total) == ("unapproved", 1, 2)


def test_what_has_changed_since_it_was_looked_at_is_not_approved_of(settings, ben):
    settings.AUTOMATION_APPROVAL_FROM = 2
    make_austrians(2)
    automation = make_automation()
    row = broadcast(automation)
    looked_at = mark_of(row)
    add_step(automation)

    with pytest.raises(ValidationError, match="look again"):
        approve_broadcast(row, by=ben, looked_at=looked_at)


def test_few_people_need_no_approval(settings, ada):
    settings.AUTOMATION_APPROVAL_FROM = 3
    make_austrians(2)

    assert broadcast(make_automation(), by=ada).status == "waiting"


def test_the_database_refuses_the_approval_of_ones_own_broadcast(ada):
    row = broadcast(make_automation(), by=ada)

    with pytest.raises(IntegrityError, match="nobody_approves_of_a_broadcast_of_their_own"):
        Broadcast.objects.filter(pk=row.pk).update(approved_by=ada)
