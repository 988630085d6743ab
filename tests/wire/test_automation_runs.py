"""Automations that applications start over HTTP."""

import pytest
from django.utils import timezone

from activities.erasing import erase_contact
from automations.models import Automation, Run
from contacts.merging import request_merge
from tests.automations.entries import make_automation, refusals
from tests.factories import make_channel, make_contact
from tests.wire.app import App, assert_problem, rejection_of
from tests.work import do_merges

pytestmark = pytest.mark.django_db


@pytest.fixture
def app():
    return App(access="automation")


def start(app, automation, contact, **headers):
    path = f"/automations/{automation.code_name}/runs"
    return app.post(path, {"contact": str(contact.guid)}, headers=headers)


def test_a_run_begins_and_its_id_is_told(app):
    automation, contact = make_automation(), make_contact()

    response = start(app, automation, contact)

    run = Run.objects.get()
    assert (response.status_code, response.json()) == (202, {"run": run.pk})
    assert (run.contact, run.cause) == (contact, "api")


@pytest.mark.parametrize(
    "path", ["/AUTOMATIONS/Send-Brochure/RUNS", "//automations/send-brochure/runs/"]
)
def test_the_path_is_understood_in_any_spelling(app, path):
    make_automation(code_name="send-brochure")

    response = app.post(path, {"Contact": str(make_contact().guid).upper()})

    assert response.status_code == 202


def test_an_automation_with_any_trigger_and_a_key_of_any_channel_will_do():
    automation = make_automation({"type": "activity", "activities": ["click"]})
    website = make_channel(kind="website", domain="www.example.com")

    response = start(App(website, access="automation"), automation, make_contact())

    assert response.status_code == 202


def test_guid_of_a_merged_contact_leads_to_the_survivor(app):
    ada, ben = make_contact(email="ada@example.com"), make_contact()
    request_merge(survivor=ada, loser=ben, reason="manual")
    do_merges()

    start(app, make_automation(), ben)

    assert Run.objects.get().contact == ada


def test_unknown_automation_is_not_found_and_kept_for_the_inspector(app):
    response = app.post("/automations/none/runs", {"contact": str(make_contact().guid)})

    assert_problem(response, 404, "unknown_automation")
    assert rejection_of(response).code == "unknown_automation"


def test_erased_contact_is_not_found(app):
    automation, contact = make_automation(), make_contact()
    erase_contact(contact.pk)

    assert_problem(start(app, automation, contact), 404, "erased")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"", "malformed_json", None),
        (b"[]", "malformed_json", None),
        (b"{}", "missing_member", "contact"),
        (b'{"contact": 5}', "bad_guid", "contact"),
        (b'{"contact": "ada"}', "bad_guid", "contact"),
    ],
)
def test_bad_body_is_refused(app, body, code, field):
    make_automation(code_name="welcome")

    assert_problem(app.post("/automations/welcome/runs", body), 400, code, field)


def test_automation_that_is_switched_off_or_archived_is_a_conflict(app):
    automation, contact = make_automation(enabled=False), make_contact()
    response = start(app, automation, contact)
    assert_problem(response, 409, "automation_off")
    assert response.json()["detail"] == "The automation is switched off."

    Automation.objects.update(archived_at=timezone.now())
    response = start(app, automation, contact)
    assert_problem(response, 409, "automation_off")
    assert response.json()["detail"] == "The automation is archived."


def test_contact_who_may_not_enter_is_a_conflict(app):
    automation, contact = make_automation(runs="once"), make_contact()
    start(app, automation, contact)

    response = start(app, automation, contact)

    assert_problem(response, 409, "may_not_enter")
    assert response.json()["detail"] == "A contact enters once, and this one has."
    assert refusals(automation) == {"once": 1}


def test_the_eleventh_entry_in_24_hours_is_a_conflict(app):
    automation, contact = make_automation(), make_contact()

    statuses = [start(app, automation, contact).status_code for _ in range(11)]

    assert statuses == [202] * 10 + [409]


def test_contact_for_whom_the_rule_does_not_hold_is_a_conflict(app):
    rule = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}
    automation = make_automation({"type": "manual", "rule": rule})

    assert_problem(start(app, automation, make_contact()), 409, "may_not_enter")
    assert start(app, automation, make_contact(country="AUT")).status_code == 202


def test_request_that_is_repeated_with_its_key_is_one_run(app):
    automation, ada, ben = make_automation(), make_contact(email="a@example.com"), make_contact()

    first, again = [start(app, automation, ben, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert first.json() == again.json()
    assert start(app, automation, ada, **{"Idempotency-Key": "k"}).json() != first.json()
    other = App(app.channel, access="automation")
    assert start(other, automation, ben, **{"Idempotency-Key": "k"}).json() != first.json()

    assert Run.objects.count() == 3
    assert refusals(automation) == {}


def test_request_that_is_repeated_is_the_same_run_whatever_was_changed_meanwhile(app):
    automation, ada, ben = make_automation(), make_contact(email="a@example.com"), make_contact()
    first = start(app, automation, ben, **{"Idempotency-Key": "k"})
    request_merge(survivor=ada, loser=ben, reason="manual")
    do_merges()

    Automation.objects.update(enabled=False)

    again = start(app, automation, ben, **{"Idempotency-Key": "k"})

    assert (again.status_code, again.json()) == (202, first.json())


def test_long_idempotency_key_is_refused(app):
    response = start(app, make_automation(), make_contact(), **{"Idempotency-Key": "k" * 256})

    assert_problem(response, 400, "bad_idempotency_key", "Idempotency-Key")


@pytest.mark.parametrize("access", ["tracking", "groups", "activecampaign", "commandersact"])
def test_key_of_another_access_type_is_unauthorized(access):
    response = start(App(access=access), make_automation(), make_contact())

    assert_problem(response, 401, "unauthorized")
    assert response["WWW-Authenticate"] == "Bearer"


def test_key_for_automations_opens_nothing_else(app):
    contact = make_contact()

    for response in (
        app.post("/contacts"),
        app.get("/consents/TrackingConsent"),
        app.get(f"/contacts/{contact.guid}/groups"),
        app.post("/activities", app.message({"type": "click"}, contact=contact.guid)),
    ):
        assert_problem(response, 401, "unauthorized")


def test_other_methods_are_not_allowed(app):
    make_automation(code_name="welcome")

    assert_problem(app.get("/automations/welcome/runs"), 405, "method_not_allowed")


def test_the_switches_of_the_doors_count(app, settings):
    automation, contact = make_automation(), make_contact()
    settings.READ_ONLY = True
    assert_problem(start(app, automation, contact), 503, "read_only")

    settings.TRACKING_API_ENABLED = False
    assert_problem(start(app, automation, contact), 404, "tracking_off")
