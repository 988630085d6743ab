"""Switching on what would let in many people needs two users."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from automations.approving import approve, ask_to_enable, take_back
from automations.models import Automation
from automations.saving import save_automation
from tests.automations.entries import make_automation, on_activity
from tests.factories import make_activity
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db


def sleep():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")


@pytest.fixture
def automation():
    """One that two people would have entered."""
    for _ in range(2):
        make_activity()
    return make_automation(on_activity(), enabled=False)


@pytest.mark.parametrize("limit", [0, 3])
def test_without_a_limit_or_below_it_one_user_is_enough(settings, automation, ada, limit):
    settings.AUTOMATION_APPROVAL_FROM = limit

    assert ask_to_enable(automation, by=ada)
    assert automation.enabled
    assert automation.approval_asked_by is None


def test_from_the_limit_on_another_user_approves(settings, automation, ada, ben):
    settings.AUTOMATION_APPROVAL_FROM = 2

    assert not ask_to_enable(automation, by=ada)
    assert (automation.enabled, automation.approval_asked_by) == (False, ada)
    with pytest.raises(ValidationError, match="another user has to approve"):
        approve(automation, by=ada)
    approve(automation, by=ben)

    assert (automation.enabled, automation.approved_by) == (True, ben)


def test_nobody_approves_of_what_nobody_asked_for(automation, ben):
    with pytest.raises(ValidationError, match="Nobody has asked"):
        approve(automation, by=ben)


def test_who_asked_can_take_it_back(settings, automation, ada, ben):
    settings.AUTOMATION_APPROVAL_FROM = 1
    ask_to_enable(automation, by=ada)

    take_back(automation)

    assert automation.approval_asked_by is None
    with pytest.raises(ValidationError, match="Nobody has asked"):
        approve(automation, by=ben)


def test_an_approval_is_of_what_was_approved(settings, automation, ada, ben):
    settings.AUTOMATION_APPROVAL_FROM = 2
    ask_to_enable(automation, by=ada)
    automation.name = "Another name"
    save_automation(automation, by=ada)
    assert automation.approval_asked_by == ada

    automation.steps = [{"type": "stop"}]
    save_automation(automation, by=ada)

    assert automation.approval_asked_by is None
    with pytest.raises(ValidationError, match="Nobody has asked"):
        approve(automation, by=ben)


def test_who_widens_an_automation_that_is_on_needs_another_user(settings, automation, ada, ben):
    settings.AUTOMATION_APPROVAL_FROM = 2
    automation.trigger = on_activity("click")
    save_automation(automation)
    assert ask_to_enable(automation, by=ada)

    automation.trigger = on_activity()
    save_automation(automation, by=ada)

    automation.refresh_from_db()
    assert (automation.enabled, automation.approval_asked_by) == (False, ada)
    approve(automation, by=ben)
    assert automation.enabled


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_an_automation_while_it_is_looked_back(automation, ada, monkeypatch):
    Automation.objects.update(enabled=True)

    def somebody_renames():
        rows = Automation.objects.select_for_update(nowait=True)
        with transaction.atomic():
            rows.filter(pk=automation.pk).get()

    def look_back(_):
        run_at_once(somebody_renames)
        return True

    monkeypatch.setattr("automations.saving.lets_many_in", look_back)
    automation.steps = [{"type": "stop"}]

    save_automation(automation, by=ada)

    automation.refresh_from_db()
    assert (automation.enabled, automation.approval_asked_by) == (False, ada)


def test_what_another_user_changes_while_it_is_looked_back_counts(automation, ada, monkeypatch):
    Automation.objects.update(enabled=True)
    looks = []

    def look_back(_):
        looks.append(1)
        Automation.objects.update(enabled=False)
        return True

    monkeypatch.setattr("automations.saving.lets_many_in", look_back)
    automation.steps = [{"type": "stop"}]

    save_automation(automation, by=ada)

    automation.refresh_from_db()
    assert (automation.enabled, automation.approval_asked_by, len(looks)) == (False, None, 1)


def test_what_takes_too_long_to_count_needs_approval(settings, automation, ada, monkeypatch):
    settings.AUTOMATION_APPROVAL_FROM = 1_000
    monkeypatch.setattr("automations.dry_run._LONGEST_STATEMENT", "1ms")
    monkeypatch.setattr("automations.dry_run.replay", lambda *args: sleep())

    assert not ask_to_enable(automation, by=ada)
    assert automation.approval_asked_by == ada


def test_a_stale_object_brings_back_neither_a_pause_nor_an_approval(automation, ada):
    Automation.objects.update(paused_at=timezone.now(), approval_asked_by=ada)

    automation.name = "Another name"
    save_automation(automation)

    automation.refresh_from_db()
    assert automation.paused_at
    assert automation.approval_asked_by == ada


def test_an_archived_automation_is_not_switched_on(automation, ada):
    Automation.objects.update(archived_at=timezone.now())

    with pytest.raises(ValidationError, match="archived"):
        ask_to_enable(automation, by=ada)


def test_the_database_refuses_ones_own_approval(automation, ada):
    with pytest.raises(IntegrityError, match="nobody_approves_of_an_automation_of_their_own"):
        Automation.objects.update(approval_asked_by=ada, approved_by=ada)
