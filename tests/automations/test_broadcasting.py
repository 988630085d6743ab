"""Broadcasts let in everybody whom a rule finds, once each, as fast as they may."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from automations import broadcasting
from automations.broadcasting import (
    count_audience,
    everybody_in,
    stop_broadcast,
)
from automations.control import archive
from automations.models import Automation, Run
from contacts.merging import request_merge
from contacts.models import ContactMerge
from groups.trees import InvalidRule
from tests.automations.broadcasts import AUSTRIANS, broadcast, make_austrians, work
from tests.automations.entries import make_automation, runs
from tests.factories import make_contact, make_group
from tests.threads import run_at_once
from tests.work import do_merges

pytestmark = pytest.mark.django_db


def sleep():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")


def test_everybody_for_whom_the_rule_holds_enters(monkeypatch):
    monkeypatch.setattr(broadcasting, "_CONTACTS_AT_ONCE", 3)
    monkeypatch.setattr(broadcasting, "_MOST_LOOKS", 2)
    austrians = make_austrians(4)
    for _ in range(7):
        make_contact(country="DEU")
    austrians += make_austrians(4)
    automation = make_automation()
    row = broadcast(automation)
    assert (row.total, row.status) == (8, "waiting")

    work(row)

    assert sorted(runs(automation)) == austrians
    assert (row.status, row.reached, row.entered) == ("done", 8, 8)
    assert set(Run.objects.values_list("cause", "broadcast")) == {("broadcast", row.pk)}


def test_members_of_a_group_enter():
    contact, automation = make_contact(), make_automation()
    group = make_group(members=[contact])
    make_contact()
    row = broadcast(automation, everybody_in(group))

    work(row)

    assert runs(automation) == [contact.pk]


def test_contacts_who_may_not_enter_are_reached_and_do_not_enter():
    automation = make_automation(runs="once")
    make_austrians(2)
    work(broadcast(automation))
    make_austrians(1)
    row = broadcast(automation)

    work(row)

    assert (row.reached, row.entered) == (3, 1)


def test_only_so_many_enter_in_a_minute():
    make_austrians(5)
    automation = make_automation()
    row = broadcast(automation, per_minute=2)

    work(row)
    assert (row.reached, row.status) == (2, "waiting")
    assert timedelta(seconds=50) < row.due_at - timezone.now() <= timedelta(seconds=60)
    work(row)
    assert row.reached == 2
    work(row, now=True)
    work(row, now=True)

    assert (row.reached, row.status) == (5, "done")


def test_it_waits_until_it_starts():
    make_austrians(1)
    automation = make_automation()
    row = broadcast(automation, starts_at=timezone.now() + timedelta(hours=1))

    work(row)
    assert runs(automation) == []
    work(row, now=True)
    assert len(runs(automation)) == 1


def test_it_can_be_stopped():
    make_austrians(3)
    automation = make_automation()
    row = broadcast(automation, per_minute=1)
    work(row)

    stop_broadcast(row)
    work(row, now=True)

    assert (row.status, row.reached) == ("stopped", 1)
    assert row.finished_at
    with pytest.raises(ValidationError, match="over"):
        stop_broadcast(row)


def test_it_waits_while_the_automation_is_switched_off():
    make_austrians(1)
    automation = make_automation(enabled=False)
    row = broadcast(automation)

    work(row)
    assert (row.status, row.reached) == ("waiting", 0)
    Automation.objects.update(enabled=True)
    work(row, now=True)
    assert row.entered == 1


def test_an_archived_automation_has_no_broadcasts():
    automation = make_automation()
    row = broadcast(automation, per_minute=1)
    archive(automation)

    work(row, now=True)

    assert row.status == "stopped"
    with pytest.raises(ValidationError, match="archived"):
        broadcast(automation)


def test_a_contact_who_was_merged_meanwhile_enters_once():
    first, last = make_contact(country="AUT"), make_contact(country="AUT", email="z@example.com")
    automation = make_automation()
    row = broadcast(automation, per_minute=1)
    work(row)
    request_merge(survivor=last, loser=first, reason=ContactMerge.Reason.MARKETER)
    do_merges()

    work(row, now=True)
    work(row, now=True)

    assert row.status == "done"
    assert runs(automation) == [last.pk]


@pytest.mark.parametrize(("limit", "status"), [(0, "done"), (1_000, "unapproved")])
def test_an_audience_that_takes_too_long_to_count_is_not_known(
    settings, monkeypatch, limit, status
):
    settings.AUTOMATION_APPROVAL_FROM = limit
    make_austrians(2)
    monkeypatch.setattr(broadcasting, "_SECONDS_FOR_A_USER", 0.001)
    monkeypatch.setattr(broadcasting, "_SECONDS_FOR_A_WORKER", 0.001)
    monkeypatch.setattr(broadcasting, "_count", lambda tree, **_: sleep())

    row = broadcast(make_automation())
    work(row)

    assert (row.status, row.total) == (status, None)


def test_an_audience_that_took_too_long_to_count_is_counted_by_the_worker(monkeypatch):
    make_austrians(2)
    with monkeypatch.context() as slow:
        slow.setattr(broadcasting, "_SECONDS_FOR_A_USER", 0.001)
        slow.setattr(broadcasting, "_count", lambda tree, **_: sleep())
        row = broadcast(make_automation())
    assert (row.status, row.total) == ("waiting", None)

    work(row)

    assert (row.status, row.total, row.entered) == ("done", 2, 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [0, 3])
def test_nobody_waits_for_an_automation_while_an_audience_is_counted(settings, monkeypatch, limit):
    settings.AUTOMATION_APPROVAL_FROM = limit
    make_austrians(2)
    automation = make_automation()

    def somebody_pauses():
        with transaction.atomic():
            Automation.objects.select_for_update(nowait=True).get(pk=automation.pk)

    def count(tree, **_):
        run_at_once(somebody_pauses)
        return 2

    monkeypatch.setattr(broadcasting, "_count", count)
    row = broadcast(automation)
    work(row)

    assert (row.status, row.total) == ("done", 2)


def test_a_broadcast_whose_automation_is_switched_on_just_now_is_counted_first(
    settings, monkeypatch
):
    settings.AUTOMATION_APPROVAL_FROM = 2
    automation = make_automation(enabled=False)
    row = broadcast(automation)
    make_austrians(2)
    lock = broadcasting.lock_automations

    def switch_on_and_lock(ids):
        Automation.objects.update(enabled=True)
        return lock(ids)

    monkeypatch.setattr(broadcasting, "lock_automations", switch_on_and_lock)
    work(row)

    assert (row.status, row.total, runs(automation)) == ("unapproved", 2, [])


def test_bad_input_is_refused_in_a_sentence():
    automation = make_automation()

    with pytest.raises(ValidationError, match="1 contact a minute or more"):
        broadcast(automation, per_minute=0)
    with pytest.raises(InvalidRule):
        broadcast(automation, rule={"match": "some"})


def test_an_audience_is_counted():
    make_austrians(3)
    make_contact()

    assert count_audience(AUSTRIANS) == 3


@pytest.mark.django_db(transaction=True)
def test_two_workers_let_each_contact_in_once():
    austrians = make_austrians(30)
    automation = make_automation()
    row = broadcast(automation)

    run_at_once(*[lambda: broadcasting.go_on([row.pk])] * 4)

    row.refresh_from_db()
    assert sorted(runs(automation)) == austrians
    assert (row.reached, row.entered) == (30, 30)
