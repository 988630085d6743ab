"""Runs that wait for a rule are woken by what happens, and by nothing else."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automations.models import Run
from contacts.editing import update_contact
from contacts.merging import request_merge
from contacts.models import ContactMerge
from tests.automations.entries import follow, make_automation
from tests.automations.running import work
from tests.factories import make_activity, make_channel, make_contact
from tests.work import do_merges

pytestmark = pytest.mark.django_db(transaction=True)

SINCE_ENTRY = {"type": "activity", "activities": ["pagevisit"], "since": "entry"}


@pytest.fixture(autouse=True)
def reader_that_has_begun():
    follow()


def make_waiting(contact, *conditions):
    """A run that waits until the rule holds, and is not looked at for a while."""
    rule = {"match": "all", "conditions": list(conditions)}
    automation = make_automation(steps=[{"type": "wait", "rule": rule}])
    version = automation.versions.get()
    run = Run.objects.create(
        automation=automation,
        version=version,
        contact=contact,
        entered_as=contact.pk,
        step=version.steps[0]["key"],
        cause="code",
    )
    work(run)
    Run.objects.filter(pk=run.pk).update(due_at=timezone.now() + timedelta(days=1))
    return run


def test_an_activity_since_the_entry_ends_the_wait():
    contact, channel = make_contact(), make_channel()
    run = make_waiting(contact, SINCE_ENTRY)
    make_activity(make_contact(), channel=channel)
    follow()
    assert work(run).status == "running"

    make_activity(contact, channel=channel)
    follow()

    assert work(run).status == "done"


def test_a_field_and_a_merge_end_the_wait():
    ada, ben, eve = make_contact(email="ada@example.com"), make_contact(), make_contact()
    lives = {"type": "country", "values": ["AUT"]}
    of_ada, of_ben = make_waiting(ada, lives), make_waiting(ben, lives)

    update_contact(ben.pk, {"country": "AUT"})
    follow()
    assert work(of_ben).status == "done"
    update_contact(eve.pk, {"country": "AUT"})
    request_merge(survivor=ada, loser=eve, reason=ContactMerge.Reason.MARKETER)
    do_merges()
    follow()

    assert work(of_ada).status == "done"


def test_what_no_rule_cares_about_wakes_nobody():
    contact = make_contact()
    run = make_waiting(contact, {"type": "country", "values": ["AUT"]})
    due_at = Run.objects.get(pk=run.pk).due_at

    make_activity(contact)
    update_contact(contact.pk, {"city": "Graz"})
    follow()

    assert Run.objects.get(pk=run.pk).due_at == due_at


def test_without_runs_that_wait_nothing_is_read_for_them():
    channel = make_channel()
    make_activity(channel=channel)

    with CaptureQueriesContext(connection) as queries:
        follow()

    assert not [one for one in queries if "'activity', type_id" in one["sql"]]
