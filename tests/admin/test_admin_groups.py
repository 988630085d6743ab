"""Contact groups in the admin: the list and the form."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url, moment
from groups.admin.group import ContactGroupAdmin
from groups.admin.listing import as_of
from groups.models import ContactGroup, GroupBuild, Membership, MembershipEvent
from tests.admin.groups import (
    ADD_URL,
    BAD_RULES,
    FROM_USA,
    LIST_URL,
    activity,
    ask,
    downloaded,
    field,
    in_groups,
    make_group,
    posted,
    rule,
)
from tests.admin.pages import form_on
from tests.factories import make_activity_type, make_consent, make_contact

pytestmark = pytest.mark.django_db


# The list


def test_the_list_says_how_groups_are_doing(admin_client):
    one, other = make_contact(), make_contact()
    group = make_group("loans", members=[one, other], rule=rule(FROM_USA))
    MembershipEvent.objects.create(group=group, contact=one, entered=True, cause="rule")
    MembershipEvent.objects.create(group=group, contact=other, entered=True, cause="rule")
    MembershipEvent.objects.create(group=group, contact=one, entered=False, cause="window")
    MembershipEvent.objects.create(
        group=group,
        contact=one,
        entered=False,
        cause="window",
        at=timezone.now() - timedelta(days=2),
    )

    (row,) = admin_client.get(LIST_URL).context["results"]

    text = "".join(row)
    for part in ("Loans", "Dynamic", ">2<", "+2 &minus;1", "Up to date"):
        assert part in text, part


def test_a_group_is_right_up_to_what_was_read():
    built_at = timezone.now()
    group = ContactGroup(served_rule=rule(), built_at=built_at)
    group.is_due = False
    later = built_at + timedelta(minutes=5)

    for until, expected in (
        (None, "Now"),
        (later, moment(later, seconds=True)),
        (built_at - timedelta(days=1), moment(built_at, seconds=True)),
    ):
        group.followed_until = until
        assert as_of(group) == expected
    # The last build is the last moment at which that was certain.
    group.is_due, group.followed_until = True, None
    assert as_of(group) == moment(built_at, seconds=True)
    group.served_rule = None
    assert as_of(group) == "Not built yet"


@pytest.mark.parametrize(
    ("fields", "build", "expected"),
    [
        ({"enabled": False}, None, "Switched off"),
        ({}, {"phase": ""}, "Waits to be built"),
        ({}, {"phase": "reading"}, "Building"),
        ({}, {"phase": "reading", "attempts": 2}, "Build failed"),
        ({"built_version": 0, "served_rule": None}, None, "Not built"),
        ({"static": True, "served_rule": None}, None, "Up to date"),
    ],
)
def test_the_state_of_a_group_is_said(admin_client, fields, build, expected):
    group = make_group()
    if fields.get("enabled") is False:
        fields = {**fields, "served_rule": None}
    ContactGroup.objects.filter(pk=group.pk).update(**fields)
    if build is not None:
        GroupBuild.objects.create(group=group, version=1, **build)

    assert expected in admin_client.get(LIST_URL).text
    assert expected in admin_client.get(change_url(group)).text


def test_a_group_that_is_switched_off_has_no_members(admin_client):
    group = make_group(static=True, members=[make_contact(first_name="Nina")], enabled=False)

    assert "Nina" not in admin_client.get(change_url(group)).text
    assert "Nina" not in downloaded(admin_client, group)


def test_the_list_of_a_new_hub_says_what_to_do(admin_client):
    html = admin_client.get(LIST_URL).text

    assert "No contact groups yet" in html
    assert f'href="{ADD_URL}"' in html


# The form


def test_a_group_is_saved_with_its_rule_and_built(admin_client):
    response = admin_client.post(ADD_URL, posted(rule=rule(FROM_USA)))

    group = ContactGroup.objects.get()
    assert response.headers["Location"] == change_url(group)
    assert group.rule == rule(FROM_USA)
    assert group.builds.get().requested_by == User.objects.get()


def test_the_page_offers_what_rules_can_name(admin_client):
    make_activity_type()
    make_consent()
    group = make_group()

    html = admin_client.get(ADD_URL).text

    for code, name in (
        ("custom_loan_calculator", "Loan calculator usage"),
        ("TrackingConsent", "Tracking consent"),
        ("loans", "Loans"),
        ("USA", "United States"),
    ):
        assert f'["{code}", "{name}"]' in html, code
    assert '"number_fields": ["zip", "mobile_phone", "business_phone", "notes"]' in html
    # A group cannot be a condition of itself.
    assert '["loans", "Loans"]' not in admin_client.get(change_url(group)).text


@pytest.mark.parametrize(
    ("given", "path"), [one[1:] for one in BAD_RULES], ids=[one[0] for one in BAD_RULES]
)
def test_a_rule_that_cannot_be_is_refused_beside_its_condition(admin_client, given, path):
    response = admin_client.post(ADD_URL, posted(rule=json.dumps(given)))

    assert response.status_code == 200
    assert response.context["adminform"].form.errors["rule"]
    assert f'data-error-path="{path}"' in response.text
    assert not ContactGroup.objects.exists()


@pytest.mark.parametrize(
    "text", ["{", "[" * 100_000, '{"match": "all", "conditions": [NaN]}', "\0", "é" * 600_000]
)
def test_what_is_no_json_is_refused(admin_client, text):
    response = admin_client.post(ADD_URL, posted(rule=text))

    assert response.status_code == 200
    assert "rule" in response.context["adminform"].form.errors
    assert not ContactGroup.objects.exists()


@pytest.mark.parametrize("fields", [{"rule": ""}, {}])
def test_a_rule_that_was_not_sent_does_not_become_everybody(admin_client, fields):
    response = admin_client.post(ADD_URL, posted(**fields))

    assert "The rule was not sent." in response.text
    assert not ContactGroup.objects.exists()


def test_a_group_that_names_itself_through_three_others_is_refused_with_the_way(admin_client):
    group = make_group("a")
    make_group("d", rule=rule(in_groups("a")))
    make_group("c", rule=rule(in_groups("d")))
    make_group("b", rule=rule(in_groups("c")))

    page = admin_client.get(change_url(group))
    response = admin_client.post(
        change_url(group), form_on(page) | {"rule": json.dumps(rule(in_groups("b")))}
    )

    assert "a → b → c → d → a" in response.text
    group.refresh_from_db()
    assert group.rule == rule()


@pytest.mark.parametrize("text", ["100%", "a_b", "C:\\temp", "^.*$", "O'Neil", "</script>"])
def test_what_is_a_pattern_elsewhere_is_text_here(admin_client, text):
    make_contact(company_name=f"x{text}x")
    make_contact(company_name="100 a b C: temp")
    leaf = field(field="company_name", operator="contains", value=text)

    admin_client.post(ADD_URL, posted(rule=rule(leaf)))

    assert ask(admin_client, rule(leaf)).json()["count"] == 1
    group = ContactGroup.objects.get()
    assert group.rule["conditions"][0]["value"] == text
    html = admin_client.get(change_url(group)).text
    assert '</script>"' not in html.replace("</script>\n", "")


def test_a_page_saved_as_it_is_changes_nothing_and_builds_nothing(admin_client):
    group = make_group(rule=rule(FROM_USA, activity(days=30)))
    page = admin_client.get(change_url(group))

    admin_client.post(change_url(group), form_on(page))

    group.refresh_from_db()
    assert group.version == 1
    assert not group.builds.exists()


def test_two_users_who_save_one_group_change_what_each_changed(admin_client):
    group = make_group(rule=rule(FROM_USA))
    page = form_on(admin_client.get(change_url(group)))
    admin_client.post(change_url(group), page | {"name": "Renamed"})

    admin_client.post(change_url(group), page | {"rule": json.dumps(rule())})

    group.refresh_from_db()
    assert (group.name, group.rule) == ("Renamed", rule())


def test_a_rule_that_another_user_changed_is_shown_and_not_overwritten(admin_client):
    group = make_group(rule=rule(FROM_USA))
    page = form_on(admin_client.get(change_url(group)))
    austria = rule({"type": "country", "values": ["AUT"]})
    admin_client.post(change_url(group), page | {"rule": json.dumps(austria)})

    response = admin_client.post(change_url(group), page | {"rule": json.dumps(rule())})

    group.refresh_from_db()
    assert group.rule == austria
    assert "this has become “Every contact who is from Austria.”" in response.text

    admin_client.post(change_url(group), form_on(response) | {"rule": json.dumps(rule())})
    group.refresh_from_db()
    assert group.rule == rule()


def test_a_code_name_that_a_rule_names_stays(admin_client):
    group = make_group("loans")
    make_group("other", rule=rule(in_groups("loans")))
    page = form_on(admin_client.get(change_url(group)))

    response = admin_client.post(change_url(group), page | {"code_name": "changed"})

    assert "Keep the code name" in response.text
    group.refresh_from_db()
    assert group.code_name == "loans"


def test_a_static_group_begins_with_who_matches_the_rule(admin_client):
    inside = make_contact(country="USA")
    make_contact()

    admin_client.post(ADD_URL, posted(static="on", rule=rule(FROM_USA)))

    group = ContactGroup.objects.get()
    assert (group.static, group.rule) == (True, rule())
    assert group.memberships.get().contact == inside
    event = group.events.get()
    assert (event.cause, event.by) == ("user", User.objects.get())


def test_a_static_group_without_a_rule_begins_empty(admin_client):
    make_contact()

    admin_client.post(ADD_URL, posted(static="on", rule=rule()))

    assert not Membership.objects.exists()


def test_a_group_that_a_rule_names_is_not_deleted(admin_client):
    group = make_group("loans")
    other = make_group("other", rule=rule(in_groups("loans")))
    url = reverse("admin:groups_contactgroup_delete", args=[group.pk])

    for refused in (
        admin_client.get(url, follow=True),
        admin_client.post(url, {"post": "yes"}, follow=True),
    ):
        assert "Loans is named by the rule of Other." in refused.text
    assert ContactGroup.objects.filter(pk=group.pk).exists()
    other.delete()
    admin_client.post(url, {"post": "yes"})
    assert not ContactGroup.objects.exists()


def test_a_group_that_a_rule_has_come_to_name_meanwhile_is_not_deleted(admin_client, monkeypatch):
    group = make_group("loans")
    make_group("other", rule=rule(in_groups("loans")))
    monkeypatch.setattr(ContactGroupAdmin, "why_it_stays", lambda *arguments: "")
    url = reverse("admin:groups_contactgroup_delete", args=[group.pk])

    refused = admin_client.post(url, {"post": "yes"}, follow=True)

    assert "Loans is named by the rule of Other." in refused.text
    assert ContactGroup.objects.filter(pk=group.pk).exists()
