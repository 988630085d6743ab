"""What the page of a contact says about its groups: the tab “Groups”, and the timeline."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from activities.erasing import erase_contact
from adminsite.formatting import change_url
from groups.models import ContactGroup, Membership, MembershipEvent
from tests.factories import make_activity, make_contact, make_group

pytestmark = pytest.mark.django_db

EVERYBODY = {"match": "all", "conditions": []}


@pytest.fixture
def ada():
    return make_contact(email="ada@example.com")


def section_of(page, slug="groups"):
    """What one tab shows."""
    (found,) = [one for one in page.context["sections"] if one["section"].slug == slug]
    return found["content"]


def tab_of(page):
    """The HTML of the tab “Groups”."""
    return page.text.partition('id="groups-group"')[2].partition("</section>")[0]


def enter(group, contact, *, entered=True, cause=MembershipEvent.Cause.CODE, **fields):
    return MembershipEvent.objects.create(
        group=group, contact=contact, entered=entered, cause=cause, **fields
    )


# The tab


def test_tab_has_the_groups_of_the_contact_since_when_and_why(admin_client, ada):
    static = make_group("newsletter", name="Newsletter", members=[ada])
    dynamic = make_group(
        "loan-interest", name="<b>Loans", static=False, built_version=1, members=[ada]
    )
    make_group("off", name="Switched off", members=[ada], enabled=False)
    make_group("of-others", name="Of others", members=[make_contact()])
    since = Membership.objects.get(group=dynamic).since

    page = admin_client.get(change_url(ada))

    content, html = section_of(page), tab_of(page)
    assert content.count == "2"
    assert content.facts == [("Contact groups", "<b>Loans, Newsletter")]
    assert f'href="{change_url(static)}"' in html
    assert f'href="{change_url(dynamic)}"' in html
    assert "&lt;b&gt;Loans" in page.text
    assert "<b>Loans" not in page.text
    assert since.isoformat()[:19] in html
    assert f'href="{reverse("admin:groups_contactgroup_why", args=[dynamic.pk, ada.pk])}"' in html
    assert "Switched off" not in html
    assert [group.name for group, *_ in content.context["others"]] == ["Of others"]


def test_tab_of_a_contact_in_no_group_says_what_comes(admin_client, ada):
    page = admin_client.get(change_url(ada))

    assert "This contact is in no contact group" in tab_of(page)
    assert section_of(page).facts == [("Contact groups", "-")]


def test_tab_offers_a_part_of_many_groups(admin_client, ada):
    for number in range(52):
        make_group(f"group-{number}")

    page = admin_client.get(change_url(ada))

    assert len(section_of(page).context["others"]) == 50
    assert "There are more." in tab_of(page)


def test_tab_adds_to_static_groups_and_removes_from_them(admin_client, ada):
    group = make_group("newsletter")
    page = admin_client.get(change_url(ada))
    url = reverse("admin:groups_contactgroup_members", args=[group.pk])
    assert f'action="{url}"' in tab_of(page)

    for do, members in (("add", [ada]), ("remove", [])):
        answer = admin_client.post(url, {"contact": ada.pk, "do": do, "back": "contact"})
        assert answer.headers["Location"] == f"{change_url(ada)}#groups"
        assert [row.contact for row in Membership.objects.filter(group=group)] == members


def test_tab_changes_nothing_for_users_who_may_only_look(log_in, ada):
    make_group("newsletter", members=[ada])
    make_group("other")

    html = tab_of(log_in("view_contact", "view_contactgroup").get(change_url(ada)))

    assert "newsletter" in html.lower()
    assert "<form" not in html


def test_tab_and_timeline_are_for_users_who_may_see_groups(log_in, ada):
    enter(make_group("newsletter", members=[ada]), ada)
    client = log_in("view_contact")
    hidden = client.get(change_url(ada))
    User.objects.all().delete()

    shown = log_in("view_contact", "view_contactgroup").get(change_url(ada))

    assert "newsletter" not in hidden.text.lower()
    assert "Entered" not in hidden.text
    assert "newsletter" in tab_of(shown).lower()
    assert "Entered" in shown.text


def test_page_of_a_merged_contact_offers_no_groups(admin_client, ada):
    make_group("newsletter")
    old = make_contact(merged_into=ada)

    assert section_of(admin_client.get(change_url(old))).context["others"] == []


# The timeline


def test_timeline_says_what_was_entered_and_left_and_by_what(admin_client, ada):
    group = make_group("newsletter", name="<i>News")
    activity = make_activity(ada)
    enter(group, ada, cause=MembershipEvent.Cause.ACTIVITY, cause_id=activity.pk)
    enter(group, ada, entered=False, cause=MembershipEvent.Cause.WINDOW)

    page = admin_client.get(change_url(ada), {"kind": "groups"})

    html = page.text
    assert html.index("Time passed") < html.index("An activity")
    assert "Entered" in html
    assert "Left" in html
    assert f'href="{change_url(group)}">&lt;i&gt;News</a>' in html
    assert f'href="{change_url(activity)}"' in html


def test_timeline_leads_to_why_as_long_as_the_rule_is_the_same(admin_client, ada):
    group = make_group("loan-interest", static=False, built_version=1, served_rule=EVERYBODY)
    before, since = enter(group, ada), enter(group, ada, entered=False)
    MembershipEvent.objects.filter(pk=before.pk).update(at=since.at - timedelta(hours=1))
    ContactGroup.objects.update(rule_changed_at=since.at - timedelta(minutes=1))
    enter(make_group("newsletter"), ada)

    html = admin_client.get(change_url(ada), {"kind": "groups"}).text

    url = reverse("admin:groups_contactgroup_why", args=[group.pk, ada.pk])
    (link,) = re.findall(rf'href="({url}\?at=[^"]+)"', html)
    assert since.at.isoformat() in unquote(link)
    assert admin_client.get(link).context["at"] == since.at


def test_entry_of_an_erased_contact_goes_with_it(ada):
    enter(make_group("newsletter", members=[ada]), ada)

    erase_contact(ada.pk)

    assert not MembershipEvent.objects.exists()
