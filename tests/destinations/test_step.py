"""A step of an automation tells a destination of the contact."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities.erasing import erase_contact
from automations.dry_run import dry_run
from automations.problems import problems_of
from automations.saying import known_by, say_step
from automations.steps import read_steps
from automations.test_run import walk
from consents.agreements import record_agreement
from destinations.models import Destination
from tests.automations.entries import on_activity
from tests.automations.running import NOBODY, enter, make_automation, passed, work, work_at_once
from tests.destinations.made import deliveries, make_destination, payloads, plain_kinds
from tests.factories import (
    make_activity,
    make_activity_type,
    make_consent,
    make_contact,
    make_rule,
)

__all__ = ["plain_kinds"]

pytestmark = pytest.mark.django_db

TELL = {"key": "tell", "type": "destination", "destination": "CRM"}


@pytest.fixture
def crm():
    return make_destination(code_name="crm", name="Customers", fields=["city"])


def details(run):
    return [(one.outcome, one.detail) for one in run.passages.order_by("pk")]


def test_the_destination_is_told_of_the_contact_and_the_activity(crm):
    contact = make_contact(email="ada@example.com", city="London")
    activity = make_activity(contact, value="Home")
    automation = make_automation(TELL, trigger=on_activity())
    run = enter(automation, contact, cause="activity", cause_id=activity.pk)

    work(run)

    assert (run.status, passed(run)) == ("done", [("tell", "done")])
    (delivery,) = deliveries(crm)
    assert (delivery.kind, delivery.source) == ("automation", f"run:{run.pk}:tell")
    assert (delivery.status, delivery.contact) == ("waiting", contact)
    payload = delivery.payload
    assert payload["type"] == "automation"
    assert payload["contact"] == {
        "guid": str(contact.guid),
        "email": "ada@example.com",
        "city": "London",
    }
    told = payload["data"].pop("activity")
    assert (told["id"], told["type"], told["value"]) == (activity.pk, "pagevisit", "Home")
    assert payload["data"] == {"automation": "welcome", "name": "Welcome", "run": run.pk}


def test_without_an_activity_there_is_none_to_tell(crm):
    run = enter(make_automation(TELL), make_contact())

    work(run)

    assert payloads(crm)[0]["data"]["activity"] is None


def test_personal_properties_of_the_activity_stay_where_emails_stay(crm):
    Destination.objects.update(email="none")
    kind, contact = make_activity_type("order"), make_contact()
    make_rule(kind, "name", is_personal=True)
    activity = make_activity(contact, type=kind, properties={"name": "Ada", "price": 3})
    automation = make_automation(TELL, trigger=on_activity("order"))

    work(enter(automation, contact, cause="activity", cause_id=activity.pk))

    assert payloads(crm)[0]["data"]["activity"]["properties"] == {"price": 3}


def test_a_destination_that_is_not_there_holds_the_run_until_it_is():
    run = enter(make_automation(TELL), make_contact())

    work(run)
    assert (run.status, run.last_error) == ("running", "There is no destination “CRM”.")

    crm = make_destination(code_name="crm")
    work_at_once(run)
    assert run.status == "done"
    assert len(deliveries(crm)) == 1


@pytest.mark.parametrize(
    ("fields", "reason", "status"),
    [
        ({"enabled": False}, "The destination is switched off.", None),
        ({"dry": True}, "Dry mode: nothing was sent.", "skipped"),
        ({"rule": NOBODY}, "The rule of the destination does not hold for the contact.", None),
    ],
)
def test_what_does_not_go_out_is_skipped_and_the_run_goes_on(crm, fields, reason, status):
    Destination.objects.update(**fields)
    run = enter(make_automation(TELL), make_contact())

    work(run)

    assert run.status == "done"
    assert details(run) == [("skipped", reason)]
    assert [one.status for one in deliveries(crm)] == ([status] if status else [])


def test_a_contact_who_does_not_agree_is_told_nobody(crm):
    consent, agreeing, other = make_consent(), make_contact(), make_contact()
    Destination.objects.update(consent=consent)
    record_agreement(agreeing, consent, agreed=True)
    automation = make_automation(TELL)
    runs = [enter(automation, contact) for contact in (agreeing, other)]

    work()

    reason = "The contact has not agreed to “Tracking consent”."
    assert [details(run) for run in runs] == [[("done", "")], [("skipped", reason)]]
    told = {one.contact: (one.status, one.payload is None) for one in deliveries(crm)}
    assert told == {agreeing: ("waiting", False), other: ("skipped", True)}


def test_several_destinations_are_told_by_one_run(crm):
    ads = make_destination(code_name="ads")
    run = enter(make_automation(TELL, {**TELL, "key": "ads", "destination": "ads"}), make_contact())

    work(run)

    assert [len(deliveries(one)) for one in (crm, ads)] == [1, 1]


def test_a_run_of_a_contact_who_was_erased_tells_nobody(crm):
    contact = make_contact()
    enter(make_automation(TELL), contact)
    erase_contact(contact.pk)

    work()

    assert not deliveries(crm)


def test_the_step_is_said_with_the_name_of_the_destination(crm):
    (step,) = read_steps([TELL])

    assert say_step(step, known_by([step])) == "Send to “Customers”"


def test_problems_name_a_destination_that_is_missing_or_switched_off(crm):
    automation = make_automation(TELL)
    assert problems_of(automation) == []

    Destination.objects.update(enabled=False)
    off = "The destination “Customers” is switched off: it is told nothing."
    assert problems_of(automation) == [off]

    Destination.objects.all().delete()
    assert problems_of(automation) == ["There is no destination “CRM”. Choose another."]


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, "“Customers” would be told."),
        ({"dry": True}, "“Customers” is in dry mode: it would be told nothing."),
        ({"enabled": False}, "The destination is switched off: it would be told nothing."),
        (
            {"rule": NOBODY},
            "It would be told nothing: The rule of the destination does not hold for the contact.",
        ),
    ],
)
def test_a_test_run_says_what_would_become_of_it_and_tells_nobody(crm, fields, outcome):
    Destination.objects.update(**fields)

    stops = walk(make_automation(TELL), make_contact())

    assert stops[1].outcome == outcome
    assert not deliveries(crm)


def test_a_test_run_names_a_missing_consent(crm):
    Destination.objects.update(consent=make_consent())

    stops = walk(make_automation(TELL), make_contact())

    assert stops[1].outcome == (
        "It would be told nothing: The contact has not agreed to “Tracking consent”."
    )


def test_a_dry_run_counts_messages(crm):
    consent, agreeing = make_consent(), make_contact()
    Destination.objects.update(consent=consent)
    record_agreement(agreeing, consent, agreed=True)
    make_activity(agreeing)
    make_activity(agreeing)
    make_activity()
    automation = make_automation(TELL, trigger=on_activity(), enabled=False)

    found = dry_run(automation)

    assert (found.entered, found.messages, found.without_consent) == (3, 2, 1)
    assert not deliveries(crm)


def test_a_batch_costs_as_many_queries_however_many_runs_there_are(crm):
    automation = make_automation(TELL)

    def queries_for(number):
        for _ in range(number):
            enter(automation, make_contact())
        with CaptureQueriesContext(connection) as queries:
            work()
        return len(queries)

    queries_for(1)
    assert queries_for(20) == queries_for(1)
    assert len(deliveries(crm)) == 22
