"""The activity log, asked for texts, a contact and a period."""

from datetime import timedelta

import pytest
from django.utils import timezone

from activities.models import Activity
from adminsite import looking
from adminsite.formatting import changelist_url
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db

URL = changelist_url(Activity)


@pytest.fixture
def loans():
    """A visit of the loans, from a search engine."""
    ada = make_contact(first_name="Ada", email="ada@example.com")
    make_activity(title="Home")
    return make_activity(
        ada,
        title="Loans",
        url="https://www.example.com/LOANS/?utm_source=Letter",
        referrer="https://www.google.com/",
        value="Loan of 5000",
        occurred_at=timezone.now() - timedelta(days=3),
    )


def ask(client, **query):
    """The titles that the log shows, and what it says that it is filtered by."""
    listed = client.get(URL, query).context["cl"]
    return [one.title_start for one in listed.result_list], [one.text for one in listed.said]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"url": "/loans"}, "URL contains “/loans”"),
        ({"source": "google"}, "came from “google”"),
        ({"source": "letter"}, "came from “letter”"),
        ({"value": "of 5000"}, "value contains “of 5000”"),
        ({"contact": "ADA@example.com"}, "of “Ada”"),
    ],
)
def test_activities_are_found_by_what_is_in_them(admin_client, loans, query, said):
    assert ask(admin_client, **query) == (["Loans"], [said])


def test_activities_of_a_contact_by_guid_and_of_nobody(admin_client, loans):
    assert ask(admin_client, contact=str(loans.contact.guid))[0] == ["Loans"]
    assert ask(admin_client, contact="nobody@example.com") == ([], ["of “nobody@example.com”"])


def test_a_period_moves_on(admin_client, loans):
    assert ask(admin_client, within="2") == (["Home"], ["in the last 2 days"])
    assert ask(admin_client, within="7", url="loans")[0] == ["Loans"]


@pytest.mark.parametrize("text", ["%", "_oans", "'", "\\", "x" * 3_000, "ß", "\u202e"])
def test_no_text_is_a_pattern(admin_client, loans, text):
    assert ask(admin_client, url=text)[0] == []


def test_who_may_not_see_contacts_may_not_ask_letter_by_letter(log_in, loans):
    client = log_in("view_activity")

    assert client.get(URL).status_code == 200
    for name in ("url", "source", "value", "contact"):
        assert client.get(URL, {name: "a"}).headers["Location"].endswith("?e=1")


def test_the_log_says_how_far_it_looked(admin_client, loans, monkeypatch):
    monkeypatch.setattr(looking, "IN_ORDER_SECONDS", 0)
    monkeypatch.setattr(looking, "EVERYWHERE_SECONDS", 0.05)
    monkeypatch.setattr(
        looking.Conditions,
        "all_of",
        lambda self, rows: rows.extra(where=["pg_sleep(60) IS NOT NULL"]),
    )

    page = admin_client.get(URL, {"url": "loans"})

    assert list(page.context["cl"].result_list) == []
    assert "There is too much to look at" in page.text


def test_a_range_of_time_is_said_and_removed_as_one(admin_client, loans):
    query = {"occurred_at_from_0": "2026-01-01", "occurred_at_to_0": "2999-12-31", "value": "loan"}

    listed = admin_client.get(URL, query).context["cl"]

    said = {one.text: one.without for one in listed.said}
    assert said["time from 1 Jan 2026 until 31 Dec 2999"] == "?value=loan"


@pytest.mark.parametrize("rows", [1, 3])
def test_filters_cost_the_same_for_any_number_of_rows(
    admin_client, loans, rows, django_assert_num_queries
):
    for _ in range(rows):
        make_activity(loans.contact, url="https://www.example.com/loans")
    query = {"url": "loans", "contact": "ada@example.com", "within": "7"}
    admin_client.get(URL, query)

    with django_assert_num_queries(29):
        admin_client.get(URL, query)
