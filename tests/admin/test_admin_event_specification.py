"""Rules, whitelisting and statuses in the admin, and who may see and do what."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from activities.models import ActivityType, PropertyRule, RejectedActivity
from activities.problems import Status
from adminsite.formatting import change_url, changelist_url
from tests.admin.history import NASTY, make_rejected
from tests.factories import make_activity_type, make_rule

pytestmark = pytest.mark.django_db

WHITELIST = reverse("admin:activities_activitytype_whitelist")


def type_form(activity_type, *rules, **fields):
    """The form of a type with these rules, as a browser sends it."""
    form = {
        "name": activity_type.name,
        "code_name": activity_type.code_name,
        "description": "",
        "enabled": "on",
        "on_missing": "accept",
        "on_wrong": "accept",
        "on_unspecified": "accept",
        "property_rules-TOTAL_FORMS": len(rules),
        "property_rules-INITIAL_FORMS": 0,
        **fields,
    }
    for number, rule in enumerate(rules):
        rule = {"kind": "string", "structure": "single", "activity_type": activity_type.pk, **rule}
        form |= {f"property_rules-{number}-{name}": value for name, value in rule.items()}
    return form


def test_rules_are_made_on_the_page_of_a_type(admin_client):
    activity_type = make_activity_type()
    form = type_form(
        activity_type,
        {"name": "amount", "kind": "number", "required": "on"},
        {"name": "user.phone", "structure": "list", "format": "[+][0-9 ]+", "is_personal": "on"},
        on_missing="reject",
        on_wrong="leave_out",
        on_unspecified="reject",
    )

    response = admin_client.post(change_url(activity_type), form)

    assert response.status_code == 302
    fields = ("name", "kind", "structure", "required", "format", "is_personal")
    rules = PropertyRule.objects.filter(activity_type=activity_type).order_by("pk")
    assert list(rules.values_list(*fields)) == [
        ("amount", "number", "single", True, "", False),
        ("user.phone", "string", "list", False, "[+][0-9 ]+", True),
    ]
    activity_type.refresh_from_db()
    actions = (activity_type.on_missing, activity_type.on_wrong, activity_type.on_unspecified)
    assert actions == ("reject", "leave_out", "reject")


@pytest.mark.parametrize(
    ("rules", "explanation"),
    [
        ([{"name": "code", "format": "(a"}], "missing ): (a"),
        ([{"name": "code", "format": "(?=a)"}], "Looking ahead or behind"),
        (
            [{"name": "code", "kind": "number", "format": "a"}],
            "Only a text can have a format.",
        ),
        ([{"name": "a..b"}], "Write names with single dots between them."),
        ([{"name": "a"}, {"name": "a"}], "Please correct the duplicate"),
        ([{"name": "taken"}], "Another rule is for this property."),
    ],
)
def test_a_rule_that_means_nothing_is_explained(admin_client, rules, explanation):
    activity_type = make_activity_type()
    make_rule(activity_type, "taken")

    response = admin_client.post(change_url(activity_type), type_form(activity_type, *rules))

    assert response.status_code == 200
    assert explanation in response.text.replace("&#x27;", "'")
    assert PropertyRule.objects.count() == 1


def test_rules_can_exchange_their_names(admin_client):
    activity_type = make_activity_type()
    rules = [make_rule(activity_type, name) for name in ("a", "b")]
    form = type_form(
        activity_type,
        {"id": rules[0].pk, "name": "b"},
        {"id": rules[1].pk, "name": "a"},
        **{"property_rules-INITIAL_FORMS": 2},
    )

    assert admin_client.post(change_url(activity_type), form).status_code == 302

    assert list(PropertyRule.objects.order_by("pk").values_list("name", flat=True)) == ["b", "a"]


def test_a_type_is_made_with_its_rules(admin_client):
    activity_type = ActivityType(name="New", code_name="new")
    form = type_form(activity_type, {"name": "amount", "activity_type": ""})

    admin_client.post(reverse("admin:activities_activitytype_add"), form)

    assert PropertyRule.objects.get().activity_type.code_name == "new"


def test_the_page_shows_rules_as_they_are_and_escapes_them(admin_client):
    rule = make_rule(make_activity_type(), NASTY.replace(".", ""), format="[<>]")

    html = admin_client.get(change_url(rule.activity_type)).text

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert 'value="[&lt;&gt;]"' in html


def test_a_missing_property_cannot_be_left_out(admin_client):
    activity_type = make_activity_type()

    response = admin_client.post(
        change_url(activity_type), type_form(activity_type, on_missing="leave_out")
    )

    assert "leave_out is not one of the available choices" in response.text


def test_rules_are_for_those_who_may_see_and_change_them(log_in):
    activity_type = make_activity_type()
    make_rule(activity_type, "unmistakable")
    client = log_in("view_activitytype", "change_activitytype")

    assert "unmistakable" not in client.get(change_url(activity_type)).text
    client.post(change_url(activity_type), type_form(activity_type, {"name": "new"}))

    assert PropertyRule.objects.count() == 1


def test_a_type_is_deleted_with_its_rules(admin_client):
    rule = make_rule(make_activity_type())
    url = reverse("admin:activities_activitytype_delete", args=[rule.activity_type_id])

    admin_client.post(url, {"post": "yes"})

    assert not PropertyRule.objects.exists()


def whitelisted(activity_type):
    return ActivityType.objects.get(pk=activity_type.pk).whitelisted


def test_an_event_name_is_whitelisted_with_one_click(admin_client):
    activity_type = make_activity_type("my new fab event", door="activecampaign")
    page = changelist_url(ActivityType, "door__exact=activecampaign")

    button = re.search(
        r'form="whitelisting" +name="add" +value="(\d+)"', admin_client.get(page).text
    )
    response = admin_client.post(
        f"{WHITELIST}?door__exact=activecampaign", {"add": button[1]}, follow=True
    )

    assert response.redirect_chain == [(page, 302)]
    assert "“my new fab event” is whitelisted." in response.text
    assert 'name="remove"' in response.text
    assert whitelisted(activity_type)
    assert LogEntry.objects.get().change_message == "Whitelisted."

    admin_client.post(WHITELIST, {"remove": button[1]})
    assert not whitelisted(activity_type)


def test_the_form_of_the_buttons_keeps_the_filters_and_has_a_token(admin_client):
    make_activity_type("named", door="activecampaign")

    html = admin_client.get(changelist_url(ActivityType, "door__exact=activecampaign&q=named")).text

    form = re.search(r'<form id="whitelisting".*?</form>', html, re.DOTALL)[0]
    assert f'action="{WHITELIST}?door__exact=activecampaign&amp;q=named"' in form
    assert "csrfmiddlewaretoken" in form
    assert html.index("</form>", html.index('id="changelist-form"')) < html.index(form)


def test_whitelisting_needs_the_permission_to_change_types(log_in):
    activity_type = make_activity_type()
    client = log_in("view_activitytype")

    html = client.get(changelist_url(ActivityType)).text
    response = client.post(WHITELIST, {"add": activity_type.pk})

    assert 'form="whitelisting"' not in html
    assert response.status_code == 403
    assert not whitelisted(activity_type)


def test_whitelisting_needs_a_login(client):
    activity_type = make_activity_type()

    response = client.post(WHITELIST, {"add": activity_type.pk})

    assert response.headers["Location"].startswith(reverse("admin:login"))
    assert not whitelisted(activity_type)


def test_no_link_whitelists(admin_client):
    activity_type = make_activity_type()

    assert admin_client.get(WHITELIST, {"add": activity_type.pk}).status_code == 405
    assert not whitelisted(activity_type)


def test_whitelisting_needs_a_csrf_token(admin_user):
    activity_type = make_activity_type()
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    assert client.post(WHITELIST, {"add": activity_type.pk}).status_code == 403
    assert not whitelisted(activity_type)


@pytest.mark.parametrize("form", [{}, {"add": ""}, {"add": "x"}, {"add": "\0"}, {"add": "9" * 30}])
def test_whitelisting_nothing_is_not_found(admin_client, form):
    assert admin_client.post(WHITELIST, form).status_code == 404


def test_types_of_the_hub_cannot_be_whitelisted(admin_client):
    click = ActivityType.objects.get(code_name="click")

    assert admin_client.post(WHITELIST, {"add": click.pk}).status_code == 404
    assert not whitelisted(click)


@pytest.mark.parametrize(
    "query", ["door__exact=activecampaign", "whitelisted__exact=1", "is_system__exact=0&q=fab"]
)
def test_filters_of_the_types(admin_client, query):
    make_activity_type("fab", name="Fab", door="activecampaign", whitelisted=True)
    make_activity_type("other", name="Other", door="commandersact")

    html = admin_client.get(changelist_url(ActivityType, query)).text

    assert "1 activity type<" in html
    assert "Fab" in html
    assert re.search(r"field-door[^>]*>\s*ActiveCampaign\s*<", html)


@pytest.mark.parametrize("status", Status)
def test_the_inspector_shows_and_filters_every_status(admin_client, status):
    for one in Status:
        make_rejected(status=one)

    html = admin_client.get(changelist_url(RejectedActivity, f"status__exact={status}")).text

    assert "1 inspector line<" in html
    assert f">{status.label}</span>" in html
    row = RejectedActivity.objects.get(status=status)
    assert f">{status.label}</span>" in admin_client.get(change_url(row)).text


def test_the_inspector_finds_a_test_code(admin_client):
    rejected = make_rejected(test_code="my first event")
    make_rejected()

    html = admin_client.get(changelist_url(RejectedActivity), {"test_code": "my first event"}).text

    assert "1 inspector line<" in html
    assert change_url(rejected) in html
    assert "my first event" in admin_client.get(change_url(rejected)).text
