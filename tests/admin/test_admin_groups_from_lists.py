"""Filters of lists that become the rule of a group."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from adminsite.formatting import change_url
from groups.models import ContactGroup
from tests.admin.groups import (
    ADD_URL,
    FROM_USA,
    activity,
    ask,
    in_groups,
    rule,
)
from tests.admin.pages import form_on
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db

CURRENT = {"type": "consent", "consent": "news", "version": "current"}


def initial_rule(client, query):
    page = client.get(f"{ADD_URL}?{query}")
    messages = [str(message) for message in page.context["messages"]]
    return page.context["adminform"].form.initial["rule"], messages


@pytest.mark.parametrize(
    ("query", "conditions"),
    [
        ("country=USA", [FROM_USA]),
        ("known=email", [{"type": "field_empty", "field": "email", "negate": True}]),
        ("group=loans", [in_groups("loans")]),
        ("country=XYZ&known=x&created_at_from_0=x", []),
    ],
)
def test_the_filters_of_contacts_become_conditions(admin_client, query, conditions):
    found, messages = initial_rule(admin_client, f"from=contacts&{query}")

    assert found == rule(*conditions)
    assert messages == []


LOANS = {"operator": "contains", "value": "/loans"}


@pytest.mark.parametrize(
    ("query", "conditions"),
    [
        ("did=pagevisit&url=/loans&within=7", [activity(url=LOANS, days=7)]),
        (
            "did=pagevisit&channel=app&site=blog",
            [activity(channels=["app"], tracked_sites=["blog"])],
        ),
        (
            "did=pagevisit&source=google",
            [
                {
                    "match": "any",
                    "conditions": [
                        activity(referrer={"operator": "contains", "value": "google"}),
                        activity(url={"operator": "contains", "value": "utm_source=google"}),
                    ],
                }
            ],
        ),
        ("consent=news", [{"type": "consent", "consent": "news"}]),
        ("consent=news&answer=current", [CURRENT]),
        (
            "consent=news&answer=earlier",
            [{"type": "consent", "consent": "news"}, {**CURRENT, "negate": True}],
        ),
        ("seen=within-7", [{"type": "last_seen", "operator": "within_days", "value": 7}]),
        ("seen=not-30", [{"type": "inactive", "days": 30}]),
        ("created=30", [{"type": "created", "operator": "within_days", "value": 30}]),
    ],
)
def test_what_contacts_did_and_agreed_to_becomes_conditions(admin_client, query, conditions):
    found, messages = initial_rule(admin_client, f"from=contacts&{query}")

    assert found == rule(*conditions)
    assert messages == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("consent=news&answer=no", "was left out"),
        ("consent=news&answer=v2-en", "was left out"),
        ("seen=never", "was left out"),
        ("seen=back-7", "looks at the first activity"),
    ],
)
def test_what_a_rule_says_otherwise_or_not_at_all_is_told(admin_client, query, said):
    _, (message,) = initial_rule(admin_client, f"from=contacts&{query}")

    assert said in message


def test_a_filter_by_time_of_creation_becomes_days_back_from_now(admin_client):
    day = timezone.localdate() - timedelta(days=9)

    found, messages = initial_rule(admin_client, f"from=contacts&created_at_from_0={day}")

    assert found == rule({"type": "created", "operator": "within_days", "value": 10})
    assert len(messages) == 1
    assert "counts days back from now" in messages[0]


def test_a_search_becomes_conditions_on_names_that_match_the_same_contacts(admin_client):
    contact = make_contact(first_name="Anna", last_name="Berg")
    make_contact(first_name="Anna", last_name="Stone")
    others = make_contact(last_name="Anna Berger")

    found, messages = initial_rule(admin_client, "from=contacts&q=anna+berg")

    assert {one["url"] for one in ask(admin_client, found).json()["people"]} == {
        change_url(contact),
        change_url(others),
    }
    assert len(messages) == 1


def test_what_a_rule_cannot_say_is_named(admin_client):
    guid = make_contact().guid

    found, messages = initial_rule(admin_client, f"from=contacts&q={guid}")

    assert found == rule()
    assert len(messages) == 1
    assert f"“{guid}”" in messages[0]


def test_the_filters_of_activities_become_a_condition(admin_client):
    visit = make_activity()
    day = timezone.localdate() - timedelta(days=29)
    query = f"type__id__exact={visit.type_id}&channel__id__exact={visit.channel_id}"

    found, messages = initial_rule(
        admin_client, f"from=activities&{query}&occurred_at_from_0={day}&q=x"
    )

    expected = activity(channels=[visit.channel.code_name], days=30)
    assert found == rule(expected)
    assert len(messages) == 2
    assert ask(admin_client, found).json()["count"] == 1


def test_the_rule_of_a_filter_is_saved_as_it_is(admin_client):
    page = admin_client.get(f"{ADD_URL}?from=contacts&country=USA")

    admin_client.post(
        f"{ADD_URL}?from=contacts&country=USA",
        form_on(page)
        | {"name": "From the USA", "code_name": "usa"}
        | {"rule": json.dumps(rule(FROM_USA))},
    )

    assert ContactGroup.objects.get().rule == rule(FROM_USA)


def test_lists_that_are_filtered_lead_to_a_group(admin_client, log_in):
    contacts, log = "/admin/contacts/contact/", "/admin/activities/activity/"

    assert "Save this filter" not in admin_client.get(contacts).text
    assert (
        f"{ADD_URL}?country=USA&amp;from=contacts"
        in admin_client.get(f"{contacts}?country=USA").text
    )
    assert "from=activities" in admin_client.get(f"{log}?q=1").text
    reader = log_in("view_contact")
    assert "Save this filter" not in reader.get(f"{contacts}?country=USA").text
