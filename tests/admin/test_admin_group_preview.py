"""What the builder of rules shows while one clicks, and to whom."""

import pytest
from django.urls import reverse

from adminsite.formatting import change_url
from groups.admin import previewing
from groups.models import MembershipEvent
from groups.preview import count
from tests.admin.groups import (
    BAD_RULES,
    FROM_USA,
    LIST_URL,
    PREVIEW_URL,
    ask,
    field,
    in_groups,
    make_group,
    rule,
)
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db


# What users may see


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ((), 403),
        (("view_contactgroup",), 403),
        (("add_contactgroup",), 200),
        (("change_contactgroup", "view_contactgroup"), 200),
    ],
)
def test_who_may_write_rules_may_see_what_they_match(log_in, permissions, expected):
    client = log_in(*permissions)

    assert ask(client, rule()).status_code == expected
    assert client.get(f"{LIST_URL}suggest/?of=url&type=pagevisit").status_code == expected


def test_users_who_may_not_see_contacts_get_counts_and_no_people(log_in):
    client = log_in("view_contactgroup", "change_contactgroup")
    contact = make_contact(first_name="Nina", email="nina@example.com")
    make_activity(contact, url="https://example.com/nina@example.com")
    group = make_group(members=[contact])
    MembershipEvent.objects.create(group=group, contact=contact, entered=True, cause="rule")

    page = client.get(change_url(group))
    answer = ask(client, rule()).json()

    assert "nina" not in page.text.lower()
    assert ("Members", "1") in page.context["facts"]
    assert (answer["count"], answer["people"]) == (1, None)
    assert client.get(f"{LIST_URL}suggest/?of=url&type=pagevisit").json() == {"values": []}
    for name in ("download", "members", "upload"):
        url = reverse(f"admin:groups_contactgroup_{name}", args=[group.pk])
        answer = client.get(url) if name == "download" else client.post(url)
        assert answer.status_code == 403, name


def test_users_who_may_not_see_contacts_do_not_find_one_by_counting(log_in, admin_client):
    client = log_in("view_contactgroup", "change_contactgroup")
    make_contact(first_name="Nina", city="Wien", email="nina@example.com")

    for leaf in (
        field(field="email", operator="starts_with", value="n"),
        {**field(field="first_name", operator="equals", value="Nina"), "negate": True},
        field(field="notes", operator="contains", value="x"),
        field(field="birthday", operator="=", value="2000-01-01"),
    ):
        for given in (rule(leaf), rule(FROM_USA, rule(leaf, match="any"))):
            found = ask(client, given).json()
            assert (found["count"], found.get("matches")) == (None, None)
            assert "users who may see contacts" in found["failure"]
            assert found["sentence"]
            assert ask(admin_client, given).json()["count"] is not None
    for leaf in (field(), {"type": "field_empty", "field": "email", "negate": True}):
        assert ask(client, rule(leaf)).json()["count"] == 1


def test_users_who_may_only_look_change_nothing(log_in):
    client = log_in("view_contactgroup", "view_contact")
    group = make_group(static=True, members=[make_contact()])

    html = client.get(change_url(group)).text

    for name in ("build", "cancel", "members", "upload"):
        url = reverse(f"admin:groups_contactgroup_{name}", args=[group.pk])
        assert client.post(url).status_code == 403, name
        assert url not in html, name


def test_changing_is_asked_for_by_post(admin_client):
    group = make_group()

    for name in ("build", "cancel", "members", "upload"):
        url = reverse(f"admin:groups_contactgroup_{name}", args=[group.pk])
        assert admin_client.get(url).status_code == 405, name


def test_groups_whose_rules_tell_who_somebody_is_are_not_counted_either(log_in, admin_client):
    client = log_in("view_contactgroup", "change_contactgroup")
    make_contact(first_name="Nina", country="USA")
    telling = field(field="first_name", operator="equals", value="Nina")
    make_group("inner", rule=rule(telling))
    make_group("outer", rule=rule(in_groups("INNER"), in_groups("gone")))
    make_group("open", rule=rule(FROM_USA, in_groups("outer-list")))
    make_group("outer-list", static=True, rule=rule(telling))

    for name in ("inner", "outer"):
        found = ask(client, rule(in_groups(name))).json()
        assert (found["count"], found.get("matches")) == (None, None)
        assert ask(admin_client, rule(in_groups(name))).json()["count"] == 0
    assert ask(client, rule(in_groups("open"))).json()["count"] == 0


# The preview


def test_the_preview_says_counts_and_shows_people(admin_client):
    contact = make_contact(first_name="Nina", country="USA")
    make_contact()

    answer = ask(admin_client, rule(FROM_USA, {**FROM_USA, "negate": True}, match="any"))

    found = answer.json()
    assert "no-store" in answer.headers["Cache-Control"]
    assert found["sentence"].startswith("Every contact who is from the United States, or is not")
    assert found["count"] == 2
    assert found["matches"] == {"conditions[0]": 1, "conditions[1]": 1}
    assert {"name": "Nina", "url": change_url(contact)} in found["people"]
    assert found["is_fresh"] is True


def test_the_preview_says_what_a_rule_names_in_vain(admin_client):
    found = ask(admin_client, rule(in_groups("nowhere"))).json()

    assert [one["path"] for one in found["problems"]] == ["conditions[0]"]
    assert "nowhere" in found["problems"][0]["text"]


@pytest.mark.parametrize(("given", "path"), [one[1:] for one in BAD_RULES if one[0] != "itself"])
def test_the_preview_says_where_a_rule_is_wrong(admin_client, given, path):
    answer = ask(admin_client, given)

    assert answer.status_code == 200
    assert answer.json()["error"]["path"] == path


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"[" * 100_000, b"\xff", b"7"])
def test_a_preview_of_what_is_no_rule_is_answered(admin_client, body):
    answer = admin_client.post(PREVIEW_URL, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["failure"]


def test_pages_of_one_session_supersede_previews_of_their_own_only(admin_client, monkeypatch):
    asked_by = []

    def note(tree, page, **named):
        asked_by.append(page)
        return count(tree, page, **named)

    monkeypatch.setattr(previewing, "count", note)
    for page in ("1-2", "1-2", "3-4", None, "\ud800", ["1-2"], "1" * 1000):
        assert ask(admin_client, rule(), page=page).json()["count"] == 0

    first, again, another, *nameless = asked_by
    assert first == again
    assert len({first, another, *nameless}) == 3
    assert all(admin_client.session.session_key in one for one in asked_by)
