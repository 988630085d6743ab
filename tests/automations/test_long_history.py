"""A contact with very many activities: it enters, waits and gets its email as others do."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from activities.models import Activity, ActivityType
from automations.models import Email, Run
from tests.automations.entries import follow, on_activity
from tests.automations.mails import make_template
from tests.automations.running import ago, make_automation, passed, work
from tests.factories import make_activity, make_activity_type, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

VISITS = 66_000
# Of a hundred thousand rows of a contact PostgreSQL reads the index in some milliseconds; one that
# sorts or joins them for each run takes longer than this.
LONGEST = "2s"


def rule(name, **members):
    leaf = {"type": "activity", "activities": [name], **members}
    return {"match": "all", "conditions": [leaf]}


@pytest.fixture
def regular():
    """A contact who has visited for years, once every half an hour."""
    contact = make_contact(email="ada@example.com")
    made = make_activity(contact, occurred_at=ago(days=1))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO activities_activity (type_id, contact_id, channel_id, title, value, url,"
            " referrer, occurred_at, recorded_at, logged_as, request_id)"
            " SELECT type_id, contact_id, channel_id, title, value, url, referrer,"
            " occurred_at - n * interval '30 minutes', recorded_at, logged_as, request_id"
            " FROM activities_activity, generate_series(2, %s) AS n WHERE id = %s",
            [VISITS, made.pk],
        )
        cursor.execute("ANALYZE activities_activity")
    return contact


@contextmanager
def no_statement_takes_long():
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = '{LONGEST}'")
        try:
            yield
        finally:
            cursor.execute("RESET statement_timeout")


def test_a_contact_with_66000_activities_goes_through_an_automation(regular):
    make_template(
        code_name="thanks",
        blocks=[{"type": "text", "html": "<p>%EVENT: download% {{ contact.email }}</p>"}],
    )
    for name in ("download", "purchase"):
        make_activity_type(name)
    bought = rule("purchase", since="entry")
    automation = make_automation(
        {
            "key": "often",
            "type": "if",
            "rule": rule("pagevisit", at_least=1_000),
            "then": [
                {"key": "wait", "type": "wait", "rule": bought, "at_most": "1 hour"},
                {"key": "nine", "type": "wait", "until": "09:00", "zone": "contact"},
                {"key": "email", "type": "email", "template": "thanks"},
            ],
            "else": [],
        },
        trigger=on_activity("download", rule=rule("pagevisit", days=30, at_least=1_000)),
    )
    follow()
    assert Activity.objects.filter(contact=regular).count() == VISITS

    with no_statement_takes_long():
        download = ActivityType.objects.get(code_name="download")
        make_activity(regular, type=download, value="guide.pdf")
        follow()
        run = work(Run.objects.get(automation=automation))
        assert (run.step, passed(run)) == ("wait", [("often", "then")])
        work(run, later=timedelta(hours=1))
        work(run, later=timedelta(days=1))

    assert passed(run)[1:] == [("wait", "timeout"), ("nine", "done"), ("email", "done")]
    assert "guide.pdf ada@example.com" in Email.objects.get().text
