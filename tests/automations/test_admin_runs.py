"""Runs in the admin: who is waiting where, and the way of one contact."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from adminsite.formatting import change_url
from automations.models import Passage, Version
from tests.automations.drawing import (
    EMAIL,
    EVERYBODY,
    IF,
    RUNS_URL,
    SPLIT,
    WAIT,
    make_automation,
    make_run,
)
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def rows(client, query=""):
    return {run.pk for run in client.get(f"{RUNS_URL}?{query}").context["cl"].result_list}


def do(client, run, action):
    response = client.post(f"{RUNS_URL}{run.pk}/do/{action}/", follow=True)
    run.refresh_from_db()
    return response


def test_the_list_says_where_contacts_wait_and_until_when(admin_client):
    automation = make_automation(
        steps=[
            {"key": "rule", "type": "wait", "rule": EVERYBODY, "at_most": "1 hour"},
            {"key": "any", "type": "wait", "rule": EVERYBODY},
            WAIT,
        ]
    )
    at = timezone.now()
    make_run(automation, step="rule", step_since=at)
    make_run(automation, step="any")
    make_run(automation, step="gone")
    make_run(automation, step="wait", status="paused", asks=True)

    html = admin_client.get(RUNS_URL).text

    assert "Wait until a rule holds, at most 1 hour" in html
    assert timezone.localtime(at + timedelta(hours=1)).strftime("%H:%M:%S") in html
    assert "A rule holds" in html
    assert "A step that is gone" in html
    assert "Waits for your decision" in html


def test_runs_are_filtered_by_automation_step_version_and_state(admin_client):
    automation = make_automation(steps=[WAIT, EMAIL])
    waiting = make_run(automation)
    failing = make_run(automation, step="email", attempts=1, last_error="No template.")
    asking = make_run(automation, step="email", status="paused", asks=True)
    other = make_run(make_automation("other"))
    done = make_run(automation, step="", status="done", finished_at=timezone.now())
    of_this = f"automation={automation.pk}"

    assert rows(admin_client, of_this) == {waiting.pk, failing.pk, asking.pk, done.pk}
    assert rows(admin_client, f"{of_this}&step=email") == {failing.pk, asking.pk}
    assert rows(admin_client, f"{of_this}&version={waiting.version_id}") == rows(
        admin_client, of_this
    )
    assert rows(admin_client, "state=failing") == {failing.pk}
    assert rows(admin_client, "state=asking") == {asking.pk}
    assert rows(admin_client, "state=done") == {done.pk}
    assert rows(admin_client, f"automation={other.automation_id}&state=inside") == {other.pk}


@pytest.mark.parametrize("query", ["automation=x", "automation=-1", "version=x", "step=%00x"])
def test_a_filter_that_no_page_offers_finds_nothing(admin_client, query):
    make_run(make_automation())

    response = admin_client.get(f"{RUNS_URL}?{query}", follow=True)

    assert response.status_code == 200


def test_the_list_has_no_query_for_each_run(admin_client):
    automation = make_automation()
    make_run(automation)
    admin_client.get(RUNS_URL)

    with CaptureQueriesContext(connection) as few:
        admin_client.get(RUNS_URL)
    for _ in range(10):
        make_run(automation)
    with CaptureQueriesContext(connection) as many:
        admin_client.get(RUNS_URL)

    assert len(few) == len(many)


def test_the_page_of_a_run_tells_its_way(admin_client):
    automation = make_automation(steps=[WAIT, IF, SPLIT])
    run = make_run(automation, make_contact(first_name="Nina"), step="split", passed=["wait"])
    Passage.objects.create(
        run=run, automation=automation, step="if", outcome="else", detail="Not from there"
    )

    html = admin_client.get(change_url(run)).text

    assert "Nina" in html
    assert html.index("Wait 2 days") < html.index("The rule did not hold")
    assert "Not from there" in html
    assert "Split 50 : 50" in html


def test_users_who_may_not_see_contacts_get_their_guids(log_in):
    contact = make_contact(first_name="Ermintrude")
    run = make_run(make_automation(), contact)
    client = log_in("view_run")

    for url in (RUNS_URL, change_url(run)):
        html = client.get(url).text
        assert "Ermintrude" not in html
        assert str(contact.guid) in html
    assert client.post(f"{RUNS_URL}{run.pk}/do/stop/").status_code == 403


def test_a_run_is_stopped_once(admin_client):
    run = make_run(make_automation())

    first = do(admin_client, run, "stop").text
    second = do(admin_client, run, "stop").text

    assert (run.status, run.reason) == ("stopped", "admin stopped it.")
    assert "The contact has left the automation." in first
    assert "The run has gone on or ended meanwhile." in second


def test_a_run_that_waits_goes_on_now(admin_client):
    run = make_run(make_automation())

    do(admin_client, run, "go-on")

    assert run.step == "email"
    assert run.due_at <= timezone.now()
    assert run.passages.values_list("step", "outcome").get() == ("wait", "skipped")


def test_a_run_that_has_passed_its_wait_in_an_earlier_version_goes_on_now(admin_client):
    run = make_run(make_automation())
    Passage.objects.create(run=run, automation=run.automation, step="wait")

    do(admin_client, run, "go-on")

    assert run.step == "email"
    assert run.passages.values_list("step", "outcome").get() == ("wait", "done")


def test_a_run_that_failed_is_tried_again_at_once(admin_client):
    run = make_run(make_automation(), step="email", attempts=3, last_error="No template.")

    do(admin_client, run, "go-on")

    assert (run.step, run.passages.count()) == ("email", 0)
    assert run.due_at <= timezone.now()


def test_a_paused_run_stays(admin_client):
    run = make_run(make_automation(), status="paused")

    response = do(admin_client, run, "go-on")

    assert (run.step, run.status) == ("wait", "paused")
    assert "The run has gone on or ended meanwhile." in response.text


@pytest.mark.parametrize(("action", "step"), [("go-on", "email"), ("skip", "")])
def test_a_late_step_is_decided_by_a_user(admin_client, action, step):
    run = make_run(make_automation(), step="email", status="paused", asks=True)

    do(admin_client, run, action)

    assert (run.asks, run.status, run.step) == (False, "running", step)


def test_steps_that_cannot_be_read_any_more_are_said_and_nothing_is_skipped(admin_client):
    run = make_run(make_automation(), step="email", status="paused", asks=True)
    Version.objects.update(steps=[{"key": "email", "type": "dance"}])

    answer = do(admin_client, run, "skip")

    assert "The steps cannot be read: " in answer.text
    assert (run.asks, run.step, run.passages.count()) == (True, "email", 0)


def test_an_action_that_there_is_not_is_not_found(admin_client):
    run = make_run(make_automation())

    assert admin_client.post(f"{RUNS_URL}{run.pk}/do/dance/").status_code == 404
    assert admin_client.post(f"{RUNS_URL}0/do/stop/").status_code == 404
