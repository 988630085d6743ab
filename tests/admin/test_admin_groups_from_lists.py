"""Filters of lists that become the rule of a group."""

import json
from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from activities.models import Activity
from adminsite.formatting import change_url, changelist_url
from contacts.annotations import Tag
from contacts.models import Contact
from groups.admin.from_lists import translate
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
from tests.admin.sites import make_site
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_contact,
    make_group,
)

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
        ("seen=never", [{"type": "inactive", "days": 100_000}]),
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
        ("seen=back-7", "looks at the first activity"),
        ("tag=1", "The filter “tag” was left out"),
        ("import=1", "The filter “import” was left out"),
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


def test_where_activities_came_from_is_the_referrer_or_the_url(admin_client):
    of_referrer = make_activity(referrer="https://www.google.com/")
    make_activity(url="https://a.example/?utm_source=google", type=of_referrer.type)
    make_activity(url="https://a.example/google", type=of_referrer.type)
    query = f"from=activities&type__id__exact={of_referrer.type_id}&source=google&within=7"

    found, messages = initial_rule(admin_client, query)

    of_url = activity(url={"operator": "contains", "value": "utm_source=google"}, days=7)
    of_referrer = activity(referrer={"operator": "contains", "value": "google"}, days=7)
    assert found == rule({"match": "any", "conditions": [of_referrer, of_url]})
    assert messages == []
    assert ask(admin_client, found).json()["count"] == 2


@pytest.mark.parametrize("name", ["contacts", "activities"])
def test_one_condition_has_no_second_url(admin_client, name):
    found, messages = initial_rule(admin_client, f"from={name}&url=/loans&source=google")

    (condition,) = found["conditions"]
    assert (condition["url"], condition["referrer"]["value"]) == (LOANS, "google")
    assert "the utm_source of the URL was left out" in messages[-1]


def test_contacts_who_were_never_active_are_found_by_the_rule(admin_client):
    make_activity()
    make_activity(occurred_at=timezone.now() - timedelta(days=9_000))
    never = make_contact()

    found, _ = initial_rule(admin_client, "from=contacts&seen=never")

    (person,) = ask(admin_client, found).json()["people"]
    assert person["url"] == change_url(never)


# What is chosen in a filter that does nothing for “1”, or nothing alone.
CHOSEN = {
    "known": "known=email",
    "country": "country=USA",
    "seen": "seen=never",
    "people": "people=new.today",
    "answer": "consent=news&answer=no",
    **{
        f"{field}_{end}_{part}": f"{field}_{end}_0=2025-01-01&{field}_{end}_1=10:00"
        for field in ("created_at", "occurred_at")
        for end in ("from", "to")
        for part in (0, 1)
    },
}


@pytest.mark.parametrize(("name", "model"), [("contacts", Contact), ("activities", Activity)])
def test_nothing_that_a_list_can_be_filtered_by_is_left_out_in_silence(admin_client, name, model):
    shop, blog = (make_site(make_channel(), code_name=name) for name in ("shop", "blog"))
    first = make_activity(tracked_site=shop)
    make_activity(type=make_activity_type(), tracked_site=blog)
    make_group("loans", members=[first.contact])
    Tag.objects.create(name="VIP")
    shown = admin_client.get(changelist_url(model)).context["cl"]
    assert len(shown.filter_specs) == len(shown.list_filter)

    def said_of(query):
        found = translate(QueryDict(f"from={name}&{query}"))
        return found.conditions, found.remarks

    parameters = {one for spec in shown.filter_specs for one in spec.expected_parameters()}
    # Unfold's filters by a related row take these, too, and find all rows by them.
    parameters -= {f"{field}__isnull" for field in ("type", "channel", "tracked_site")}
    silent = {one for one in parameters if said_of(CHOSEN.get(one, f"{one}=1")) == said_of("")}
    assert silent == set()


def test_what_is_left_out_is_told_again_if_the_form_is_refused(admin_client):
    page = admin_client.get(f"{ADD_URL}?from=contacts&tag=1")

    refused = admin_client.post(f"{ADD_URL}?from=contacts&tag=1", form_on(page) | {"name": ""})

    for one in (page, refused):
        assert one.text.count("The filter “tag” was left out") == 1
    assert not ContactGroup.objects.exists()


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
