"""Automations and emails on the page of a contact, in its timeline, and on an activity's page."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automations.models import Email, Passage, Suppression
from consents.agreements import record_agreement
from tests.automations.mails import add_event, links_of, make_email, make_template
from tests.automations.running import enter, make_automation
from tests.factories import make_activity, make_consent, make_contact

pytestmark = pytest.mark.django_db
STEPS = [{"type": "wait", "for": "2 days"}]


@pytest.fixture
def anna():
    return make_contact(email="anna@example.com", first_name="Anna")


def page_of(client, row):
    meta = row._meta
    url = f"/admin/{meta.app_label}/{meta.model_name}/{row.pk}/change/"
    response = client.get(url)
    assert response.status_code == 200
    return response


def section(response, slug):
    found = {one["section"].slug: one for one in response.context["sections"]}
    return found.get(slug)


def test_the_tab_of_automations_says_where_the_contact_is_and_until_when(admin_client, anna):
    run = enter(make_automation(*STEPS, name="Welcome"), anna)
    type(run).objects.update(step=run.version.steps[0]["key"])

    response = page_of(admin_client, anna)

    assert section(response, "automations")["content"].count == "1"
    page = response.content.decode()
    assert "Wait 2 days" in page
    assert "Welcome" in page


def test_who_has_been_in_no_automation_and_got_no_email_is_told_so(admin_client, anna):
    page = page_of(admin_client, anna).content.decode()

    assert "This contact has not been in an automation." in page
    assert "No email was written to this contact." in page


def test_the_tab_of_emails_says_what_became_of_each(admin_client, anna):
    email = make_email(anna, template=make_template(name="Brochure"), subject="Your file")
    make_email(
        anna,
        status=Email.Status.HELD,
        reason="The contact has revoked “Newsletter”.",
        sent_at=None,
        subject="News",
    )
    add_event(email, "clicked", detail="https://example.com/")
    add_event(email, "opened", by_robot=True)

    content = section(page_of(admin_client, anna), "emails")["content"]
    shown = [(one.subject, str(became)) for one, _, _, became in content.context["emails"]]

    assert content.count == "2"
    assert shown[0] == ("News", "")
    assert "Clicked" in shown[1][1]
    assert "Opened" not in shown[1][1]
    assert "has revoked “Newsletter”" in page_of(admin_client, anna).content.decode()


def test_a_suppressed_address_is_said_on_top(admin_client, anna):
    Suppression.objects.create(email_key="anna@example.com", reason="complained")

    page = page_of(admin_client, anna).content.decode()

    assert "No email goes to this contact now. The contact has reported an email as spam." in page


def test_the_timeline_has_runs_emails_and_what_became_of_them(admin_client, anna):
    enter(make_automation(*STEPS, name="Welcome"), anna)
    email = make_email(anna, template=make_template(name="Brochure"), subject="Your file")
    add_event(email, "sent")
    add_event(email, "opened")
    add_event(email, "clicked", detail="https://example.com/<loans>", by_robot=True)

    page = section(page_of(admin_client, anna), "timeline")["content"].context["page"]
    kinds = sorted(kind.name for _, entries in page.days for kind, _, _ in entries)
    text = page_of(admin_client, anna).content.decode()

    assert kinds == ["automations", "email-events", "email-events", "emails"]
    assert "https://example.com/&lt;loans&gt;" in text
    assert "By a program that opens emails before people do" in text


@pytest.mark.parametrize(
    ("permission", "seen"),
    [("view_run", {"automations"}), ("view_email", {"emails"}), (None, set())],
)
def test_what_a_user_may_not_see_is_no_tab(log_in, anna, permission, seen):
    client = log_in("view_contact", *([permission] if permission else []))

    response = page_of(client, anna)

    tabs = {one["section"].slug for one in response.context["sections"]}
    assert tabs & {"automations", "emails"} == seen


def test_the_page_costs_the_same_with_many_rows(admin_client, anna):
    automation, template = make_automation(*STEPS), make_template()

    def fill(number):
        for _ in range(number):
            enter(automation, anna)
            add_event(make_email(anna, template=template), "opened")

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page_of(admin_client, anna)
        return len(captured)

    fill(2)
    queries()
    few = queries()
    fill(10)

    assert queries() == few


def test_the_page_of_an_activity_leads_to_the_run_and_its_email(admin_client, anna):
    activity = make_activity(anna)
    run = enter(
        make_automation(*STEPS, name="Send it"), anna, cause="activity", cause_id=activity.pk
    )
    make_email(anna, template=make_template(name="Brochure"), run=run, step="s1")

    page = page_of(admin_client, activity).content.decode()

    assert "Send it" in page
    assert "Brochure" in page


def test_the_page_of_an_activity_says_which_automation_has_logged_it(admin_client, anna):
    activity = make_activity(anna)
    automation = make_automation(*STEPS, name="Log it")
    run = enter(automation, anna)
    Passage.objects.create(run=run, automation=automation, step="s1", activity_id=activity.pk)

    assert "Log it" in page_of(admin_client, activity).content.decode()


def test_an_activity_of_which_nothing_came_says_so_to_who_may_see_it(admin_client, log_in, anna):
    activity = make_activity(anna)
    assert "What came of it" in page_of(admin_client, activity).content.decode()

    client = log_in("view_activity", "view_contact")

    assert "What came of it" not in page_of(client, activity).content.decode()


@pytest.mark.parametrize("where", ["rejectedactivity", "activity"])
def test_searching_leads_to_what_came_of_it(admin_client, anna, where):
    activity = make_activity(anna, recorded_at=timezone.now() - timedelta(hours=1))
    automation = make_automation(*STEPS)
    run = enter(automation, anna, cause="activity", cause_id=activity.pk)
    email = make_email(anna, run=run, step="s1")

    def way(term):
        response = admin_client.get(f"/admin/activities/{where}/", {"q": term})
        links = response.context["list_links"]
        return [link["url"] for link in links if link["title"] == "What came of it"]

    to_email = [f"/admin/automations/email/{email.pk}/change/"]
    assert way(activity.request_id) == way(activity.pk) == way(f"<{email.message_id}>") == to_email
    assert way("anything") == way("") == way(2**70) == []
    make_email(anna, run=run, step="s2")
    assert way(activity.request_id) == [f"/admin/activities/activity/{activity.pk}/change/"]


def test_an_agreement_says_by_which_email_it_came(admin_client, client, anna):
    consent = make_consent()
    record_agreement(anna, consent, agreed=True)
    email = make_email(anna, template=make_template(name="Brochure", consent=consent))
    client.post(links_of(email).unsubscribe, {"List-Unsubscribe": "One-Click"})
    before, after = anna.agreements.order_by("pk")

    assert "Brochure" not in page_of(admin_client, before).content.decode()
    page = page_of(admin_client, after).content.decode()

    assert "By a link in the email" in page
    assert f'<a href="/admin/automations/email/{email.pk}/change/"' in page
    assert "Brochure" in page
