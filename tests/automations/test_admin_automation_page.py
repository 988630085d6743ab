"""The page of an automation beside its form: counts, map, versions, and what its buttons do."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from adminsite.formatting import change_url
from automations.admin import counting
from automations.jobs import STATES
from automations.models import Automation, Passage, Refusal, Run, Template
from automations.saving import save_automation
from jobs.working import work_off
from tests.automations.drawing import (
    EMAIL,
    IF,
    LIST_URL,
    SPLIT,
    WAIT,
    make_automation,
    make_run,
)
from tests.automations.mails import make_email
from tests.factories import make_activity, make_contact
from tests.plans import plan_of

pytestmark = pytest.mark.django_db


def test_cards_count_over_all_versions(admin_client):
    automation = make_automation(steps=[WAIT, EMAIL])
    make_run(automation)
    make_run(automation, step="email", passed=["wait"], attempts=2, last_error="No template.")
    automation.steps = [EMAIL, WAIT]
    save_automation(automation)
    make_run(automation, step="wait", passed=["email"])

    counts = admin_client.get(change_url(automation)).context["drawn"]["counts"]

    said = {key: [line["text"] for line in lines] for key, lines in counts.items()}
    assert said == {
        "wait": ["2 waiting", "1 passed"],
        "email": ["1 waiting", "1 passed", "1 failed: No template."],
    }


def test_many_contacts_are_not_counted_one_by_one(admin_client, monkeypatch):
    monkeypatch.setattr("automations.admin.counting.COUNTED", 2)
    automation = make_automation(steps=[WAIT])
    for _ in range(5):
        make_run(automation)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE automations_run")

    page = admin_client.get(change_url(automation))

    assert page.context["drawn"]["counts"]["wait"][0]["text"] == "about 5 waiting"


def make_unsent(automation, *statuses, step="email"):
    """Emails of a step with these statuses, each of a run of its own."""
    for status in statuses:
        run = make_run(automation, passed=[step])
        fields = {"status": status, "reason": "The mail server is gone.", "sent_at": None}
        if status == "uncertain":
            fields |= {"times_uncertain": 1, "uncertain_at": timezone.now()}
        make_email(run.contact, run=run, step=step, **fields)


def test_cards_count_emails_that_were_not_sent_and_lead_to_them(admin_client):
    automation = make_automation(steps=[WAIT, EMAIL])
    make_unsent(automation, "held", "held", "failed", "uncertain", "prepared")
    make_unsent(make_automation("other", steps=[EMAIL]), "held")

    counts = admin_client.get(change_url(automation)).context["drawn"]["counts"]

    lines = {line["name"]: line for line in counts["email"]}
    assert {name: line["text"] for name, line in lines.items()} == {
        "passed": "5 passed",
        "held": "2 emails held back",
        "failed": "1 email refused by the mail server",
        "uncertain": "1 email uncertain",
    }
    assert "held" not in {line["name"] for line in counts["wait"]}
    for name, count in (("held", 2), ("failed", 1), ("uncertain", 1)):
        page = admin_client.get(lines[name]["url"])
        assert page.context["cl"].result_count == count
        assert "Brochure, Send “brochure”" in page.text


def test_who_may_not_see_emails_is_not_led_to_them(log_in):
    automation = make_automation(steps=[EMAIL])
    make_unsent(automation, "held")
    client = log_in("view_automation", "change_automation")

    counts = client.get(change_url(automation)).context["drawn"]["counts"]

    assert [line["url"] for line in counts["email"] if line["name"] == "held"] == [""]


def test_emails_that_were_not_sent_are_counted_up_to_a_limit(admin_client, monkeypatch):
    monkeypatch.setattr("automations.admin.counting.COUNTED", 2)
    automation = make_automation(steps=[EMAIL])
    make_unsent(automation, *["held"] * 4)

    counts = admin_client.get(change_url(automation)).context["drawn"]["counts"]

    assert counts["email"][1]["text"] == "more than 2 emails held back"


def test_emails_that_were_not_sent_are_counted_by_an_index():
    make_unsent(make_automation(steps=[EMAIL]), "held")
    params = {"automation": 1, "keys": ["email"], "most": 3}

    plan = plan_of(counting._NOT_SENT, params, without=["seqscan"])

    assert "Limit" in plan
    assert "emails_not_sent_by_step" in plan
    assert "Index Cond: (((step)::text = key.key) AND ((status)::text = kind.kind))" in plan


@pytest.mark.parametrize("step", ["x", ".", "0.email", "99999999999999999999.email"])
def test_a_step_that_there_is_not_has_no_emails(admin_client, step):
    make_unsent(make_automation(steps=[EMAIL]), "held")

    page = admin_client.get("/admin/automations/email/", {"step": step})

    assert page.status_code == 200
    assert page.context["cl"].result_count == 0


def test_branches_say_how_many_went_which_way(admin_client):
    automation = make_automation(steps=[IF, SPLIT])
    for outcome in ("then", "then", "else"):
        run = make_run(automation, step="split")
        Passage.objects.create(run=run, automation=automation, step="if", outcome=outcome)
    Passage.objects.create(run=run, automation=automation, step="split", branch=1)

    url = f"{LIST_URL}{automation.pk}/figures/"

    assert admin_client.get(url).json()["branches"] == {
        "if": ["2 went this way", "1 went this way"],
        "split": [
            "Nobody went this way yet",
            "1 went this way, 0 of them (0.0 %) came to a goal within 30 days",
        ],
    }


def test_branches_that_take_too_long_to_count_say_so(admin_client, monkeypatch):
    def count(automation, step):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")

    monkeypatch.setattr("automations.admin.counting._LONGEST_SECONDS", 0.01)
    monkeypatch.setattr("automations.admin.counting._ways", count)
    automation = make_automation(steps=[IF])

    figures = admin_client.get(f"{LIST_URL}{automation.pk}/figures/").json()["branches"]

    assert figures == {"if": ["Too many went through this step to count now"] * 2}


def test_one_error_of_each_step_is_read_however_many_fail():
    plan = plan_of(counting._ERRORS, [["wait", "email"], 1], without=["seqscan"])

    assert "Limit" in plan
    assert "runs_that_fail_by_step" in plan


def test_the_map_is_drawn_of_what_is_not_complete_yet(admin_client):
    split = {"type": "split", "key": "b", "branches": [[], [{"type": "stop"}]]}
    drawn = {"trigger": {"type": "activity"}, "steps": [{"type": "email"}, split, {"type": "<b>"}]}

    html = admin_client.post(f"{LIST_URL}map/", {"drawn": json.dumps(drawn)}).text

    assert "Send email" in html
    assert "? %" in html
    assert html.count("<rect") == 4


@pytest.mark.parametrize("drawn", ["", "x", "[]", "3", "{}", '{"trigger": {}}'])
def test_a_map_of_nothing_says_so(admin_client, drawn):
    response = admin_client.post(f"{LIST_URL}map/", {"drawn": drawn})

    assert "There is nothing to draw yet." in response.text


def test_names_on_the_map_are_escaped(admin_client):
    automation = make_automation(steps=[{**EMAIL, "template": "<script>alert(1)</script>"}])

    html = admin_client.get(change_url(automation)).text

    assert "<script>alert" not in html


def test_runs_move_to_the_current_version_with_a_look_at_where(admin_client):
    automation = make_automation(steps=[WAIT, EMAIL])
    waits, sends = make_run(automation), make_run(automation, step="email")
    automation.steps = [{**WAIT, "for": "3 days"}]
    save_automation(automation)
    url = f"{LIST_URL}{automation.pk}/versions/1/"

    page = admin_client.get(url)
    moved = admin_client.post(url, {"version": 2}, follow=True)

    assert '<input type="hidden" name="version" value="2">' in page.text
    assert page.context["moves"] == [
        ("Wait 3 days", "Wait 3 days", 1),
        ("Send “brochure”", "the end", 1),
    ]
    assert [(line.before, line.after, line.kind) for line in page.context["lines"]][1:] == [
        ("Wait 2 days", "Wait 3 days", "other"),
        ("Send “brochure”", "", "gone"),
    ]
    assert "2 contacts go on in version 2." in moved.text
    numbers = Run.objects.order_by("pk").values_list("version__number", "step")
    assert list(numbers) == [(2, "wait"), (2, "")]
    assert {waits.pk, sends.pk} == set(Run.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("looked_at", [{"version": 2}, {"version": "x"}, {}])
def test_runs_do_not_move_to_a_version_that_the_user_has_not_looked_at(admin_client, looked_at):
    automation = make_automation(steps=[WAIT, EMAIL])
    run = make_run(automation)
    for days in (3, 4):
        automation.steps = [{**WAIT, "for": f"{days} days"}]
        save_automation(automation)

    answer = admin_client.post(f"{LIST_URL}{automation.pk}/versions/1/", looked_at, follow=True)

    assert "It was changed since you looked at it: look again." in answer.text
    run.refresh_from_db()
    assert run.version.number == 1


def test_a_version_that_there_is_not_is_not_found(admin_client):
    automation = make_automation()

    assert admin_client.get(f"{LIST_URL}{automation.pk}/versions/9/").status_code == 404


def test_an_automation_is_paused_resumed_and_archived(admin_client):
    automation = make_automation(enabled=True)
    run = make_run(automation)

    def act(name):
        response = admin_client.post(f"{LIST_URL}{automation.pk}/do/{name}/", follow=True)
        work_off(STATES)
        run.refresh_from_db()
        automation.refresh_from_db()
        return response.text

    assert "Contacts inside stay where they are." in act("pause")
    assert run.status == "paused"
    act("resume")
    assert run.status == "running"
    act("switch-off")
    assert automation.enabled is False
    act("archive")
    assert run.status == "stopped"
    assert automation.archived_at is not None
    assert admin_client.post(f"{LIST_URL}{automation.pk}/do/dance/").status_code == 404


def test_a_copy_is_made_and_shown(admin_client):
    automation = make_automation(enabled=True)

    response = admin_client.post(f"{LIST_URL}{automation.pk}/copy/")

    copy = Automation.objects.exclude(pk=automation.pk).get()
    assert response.url == change_url(copy)
    assert not copy.enabled


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"steps": [{"key": "a", "type": "dance"}]}, "steps[0].type: Must be one of"),
        ({"runs": "never"}, "is not a valid choice"),
    ],
)
def test_what_cannot_be_copied_any_more_is_said(admin_client, fields, reason):
    automation = make_automation()
    Automation.objects.update(**fields)

    response = admin_client.post(f"{LIST_URL}{automation.pk}/copy/", follow=True)

    assert response.redirect_chain == [(change_url(automation), 302)]
    (message,) = response.context["messages"]
    assert reason in str(message)
    assert Automation.objects.count() == 1


def test_an_automation_is_started_for_a_contact_by_hand(admin_client, admin_user):
    contact = make_contact(first_name="Nina", email="nina@example.com")
    automation = make_automation()
    url = f"{LIST_URL}{automation.pk}/start/"

    found = admin_client.get(url, {"find": "nina@example.com"})
    response = admin_client.post(url, {"contact": contact.pk})

    assert found.context["found"] == [contact]
    run = Run.objects.get()
    assert response.url == change_url(run)
    assert (run.contact, run.cause, run.by) == (contact, "user", admin_user)


@pytest.mark.parametrize("contact", ["", "x", "0", "99999999999999999999"])
def test_a_contact_that_is_gone_does_not_enter(admin_client, contact):
    automation = make_automation()

    response = admin_client.post(
        f"{LIST_URL}{automation.pk}/start/", {"contact": contact}, follow=True
    )

    assert "There is no such contact any more." in response.text
    assert not Run.objects.exists()


@pytest.fixture
def brochure():
    return Template.objects.create(
        name="Brochure",
        code_name="brochure",
        subject="For {{ contact.first_name }}",
        blocks=[{"type": "text", "html": "<p>Here it is.</p>"}],
    )


def test_before_it_is_switched_on_an_automation_says_what_it_would_have_done(
    admin_client, brochure
):
    for email, name in (("nina@example.com", "Nina"), ("otto@example.com", ""), ("", "Ada")):
        make_activity(make_contact(email=email, first_name=name))
    automation = make_automation()
    url = f"{LIST_URL}{automation.pk}/switch-on/"

    page = admin_client.get(url)
    looked = admin_client.get(page.context["dry_run_url"])
    response = admin_client.post(url, {"version": automation.version}, follow=True)

    said = "3 would have entered, 1 email, 1 without consent, 1 without a value"
    assert said in looked.text
    assert "a field that the email shows is empty" in looked.text
    assert "Wait 2 days" in looked.text
    automation.refresh_from_db()
    assert automation.enabled
    assert "The automation is on." in response.text


def test_a_trigger_that_cannot_be_read_is_said_instead_of_a_dry_run(admin_client):
    automation = make_automation()
    Automation.objects.update(trigger={"type": "moon"})

    looked = admin_client.get(f"{LIST_URL}{automation.pk}/dry-run/")

    assert looked.status_code == 200
    assert "trigger.type" in looked.text


def test_many_contacts_need_the_approval_of_another_user(client, settings, brochure):
    settings.AUTOMATION_APPROVAL_FROM = 1
    make_activity(make_contact(email="nina@example.com"))
    automation = make_automation()
    url = f"{LIST_URL}{automation.pk}/switch-on/"
    one, other = (User.objects.create_superuser(name) for name in ("one", "other"))

    def press(user, to=url):
        client.force_login(user)
        text = client.post(to, {"version": automation.version}, follow=True).text
        automation.refresh_from_db()
        return text

    assert "another user has to approve" in press(one)
    assert not automation.enabled
    assert "You have asked to switch it on: another user has to approve." in press(one)
    assert not automation.enabled
    press(one, f"{LIST_URL}{automation.pk}/do/take-back/")
    assert automation.approval_asked_by is None
    press(one)
    assert "Approved: the automation is on." in press(other)
    assert (automation.enabled, automation.approved_by) == (True, other)


def test_what_was_changed_since_the_user_looked_is_not_approved(admin_client, django_user_model):
    automation = make_automation()
    looked_at = automation.version
    automation.steps = [WAIT, SPLIT]
    save_automation(automation)
    asks = django_user_model.objects.create(username="ada")
    Automation.objects.update(approval_asked_by=asks)

    url = f"{LIST_URL}{automation.pk}/switch-on/"
    text = admin_client.post(url, {"version": looked_at}, follow=True).text

    automation.refresh_from_db()
    assert not automation.enabled
    assert "It was changed since you looked at it: look again." in text


def test_a_user_who_may_only_look_does_not_switch_on(log_in):
    automation = make_automation()
    client = log_in("view_automation")

    assert client.get(f"{LIST_URL}{automation.pk}/switch-on/").status_code == 403
    assert client.post(f"{LIST_URL}{automation.pk}/switch-on/").status_code == 403


def test_a_test_run_shows_the_way_of_a_contact_and_the_email(admin_client, brochure):
    contact = make_contact(first_name="Nina", email="nina@example.com")
    automation = make_automation(steps=[WAIT, IF])
    automation.steps = [WAIT, EMAIL, IF]
    save_automation(automation)

    html = admin_client.get(f"{LIST_URL}{automation.pk}/start/?contact={contact.pk}").text

    assert html.index("Wait 2 days") < html.index("For Nina") < html.index("The rule holds.")
    assert "It would be sent to nina@example.com." in html
    assert 'sandbox=""' in html
    assert not Run.objects.exists()


def test_problems_stand_on_top(admin_client):
    automation = make_automation()

    html = admin_client.get(change_url(automation)).text

    assert "There is no template “brochure”. Choose another." in html


def test_the_page_says_why_contacts_were_refused(admin_client):
    automation = make_automation()
    Refusal.objects.create(automation=automation, reason="chain", count=3)

    html = admin_client.get(change_url(automation)).text

    assert "3 times" in html
    assert "make a chain of at most 10 runs" in html
