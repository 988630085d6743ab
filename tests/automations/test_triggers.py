"""What is recorded lets contacts into automations."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automations.models import Automation, Run
from automations.saving import save_automation
from consents.agreements import record_agreement
from contacts.editing import update_contact
from groups.membership import add_members, remove_members
from groups.models import MembershipEvent
from tests.automations.entries import follow, make_automation, on_activity, runs
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
    make_group,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def reader_that_has_begun():
    follow()


def test_an_activity_of_a_type_lets_the_contact_in():
    automation, other = make_automation(on_activity()), make_automation(on_activity("click"))
    activity = make_activity(value="Home")

    follow()

    run = Run.objects.get(automation=automation)
    assert (run.contact, run.entered_as) == (activity.contact, activity.contact_id)
    assert (run.cause, run.cause_id) == ("activity", activity.pk)
    assert (run.event_name, run.event_data) == ("pagevisit", "Home")
    assert (run.status, run.depth) == ("running", 1)
    assert run.step == automation.steps[0]["key"]
    assert run.version.number == automation.version
    assert not runs(other)


def test_event_data_is_what_was_sent_where_the_value_was_cut():
    automation = make_automation(on_activity())
    make_activity(value="x" * 250, properties={"eventdata": "x" * 300})

    follow()

    assert Run.objects.get(automation=automation).event_data == "x" * 300


def test_activities_may_have_to_be_like_this_and_that():
    big = make_automation(
        on_activity(
            value={"operator": ">=", "value": 5000},
            url={"operator": "contains", "value": "/LOANS"},
            properties=[{"name": "kind", "operator": "equals", "value": "car"}],
        )
    )
    url = "https://www.example.com/loans"
    matching = make_activity(value="5000", url=url, properties={"kind": "car"})
    make_activity(value="4999", url=url, properties={"kind": "car"})
    make_activity(value="5000", url="https://www.example.com/", properties={"kind": "car"})
    make_activity(value="5000", url=url, properties={"kind": "house"})

    follow()

    assert runs(big) == [matching.contact_id]


def test_a_type_that_is_seen_for_the_first_time_lets_in():
    automation = make_automation(on_activity("File Download Request"))
    activity = make_activity(type=make_activity_type("file download request"))

    follow()

    assert runs(automation) == [activity.contact_id]


def test_the_rule_of_the_trigger_decides_who_enters():
    rule = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}
    automation = make_automation(on_activity(rule=rule))
    austrian = make_contact(country="AUT")
    make_activity(austrian)
    make_activity(make_contact(country="DEU"))

    follow()

    assert runs(automation) == [austrian.pk]


@pytest.mark.parametrize("on", ["entry", "exit"])
def test_entering_and_leaving_a_group_let_in(on):
    group, contact = make_group(), make_contact()
    automation = make_automation({"type": "group", "group": "Loan-Interest", "on": on})

    add_members(group, [contact.pk], cause=MembershipEvent.Cause.USER)
    follow()
    assert len(runs(automation)) == (on == "entry")
    remove_members(group, [contact.pk], cause=MembershipEvent.Cause.USER)
    follow()

    assert runs(automation) == [contact.pk]


@pytest.mark.parametrize("on", ["agree", "revoke"])
def test_answers_to_a_consent_let_in(on):
    consent, contact = make_consent(), make_contact()
    automation = make_automation({"type": "consent", "consent": "trackingconsent", "on": on})

    record_agreement(contact, consent, agreed=on == "agree")
    record_agreement(make_contact(), consent, agreed=on != "agree")
    follow()

    assert runs(automation) == [contact.pk]


def test_a_change_of_a_field_lets_in():
    contact = make_contact(city="Vienna")
    automation = make_automation({"type": "field", "field": "city"})

    update_contact(contact.pk, {"city": "Graz"})
    update_contact(make_contact().pk, {"zip": "8010"})
    follow()

    assert runs(automation) == [contact.pk]


def test_what_was_recorded_before_the_automation_was_switched_on_lets_nobody_in():
    automation = make_automation(on_activity(), enabled=False)
    make_activity()

    automation.enabled = True
    save_automation(automation)
    follow()
    assert not runs(automation)

    later = make_activity()
    follow()
    assert runs(automation) == [later.contact_id]


def test_what_was_recorded_before_the_trigger_was_changed_lets_nobody_in():
    automation = make_automation(on_activity("click"))
    make_activity()

    automation.trigger = on_activity()
    save_automation(automation)
    follow()

    assert not runs(automation)


def test_a_name_that_is_saved_does_not_move_the_moment_from_which_contacts_enter():
    automation = make_automation(on_activity())
    activity = make_activity()

    automation.name = "Another"
    save_automation(automation)
    follow()

    assert runs(automation) == [activity.contact_id]


def test_a_dump_that_was_restored_elsewhere_is_entered():
    """The transaction in which it was switched on is one that is still to come there."""
    automation = make_automation(on_activity())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE automations_automation DISABLE TRIGGER USER")
        Automation.objects.update(enabled_in="9000000000000")
        cursor.execute("ALTER TABLE automations_automation ENABLE TRIGGER USER")
    activity = make_activity()

    follow()

    assert runs(automation) == [activity.contact_id]
    automation.refresh_from_db()
    assert str(automation.enabled_in) == "0"


def test_automation_that_is_switched_off_or_archived_is_not_entered():
    automation = make_automation(on_activity())
    make_activity()
    automation.enabled = False
    save_automation(automation)

    follow()

    assert not runs(automation)


def test_contacts_enter_a_paused_automation_and_wait():
    automation = make_automation(on_activity())
    Automation.objects.filter(pk=automation.pk).update(paused_at="2026-01-01T00:00:00Z")
    make_activity()

    follow()

    assert Run.objects.get(automation=automation).status == "paused"


def test_activities_of_a_batch_cost_few_queries_however_many_automations_there_are():
    channel, kind = make_channel(), make_activity_type()

    def queries_for(number):
        for _ in range(number):
            make_activity(channel=channel, type=kind)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            follow()
        return len(queries)

    for _ in range(3):
        make_automation(on_activity("click"))
    make_automation(on_activity())
    queries_for(1)
    one = queries_for(1)
    for _ in range(5):
        make_automation(on_activity("click"))

    assert queries_for(20) == one
