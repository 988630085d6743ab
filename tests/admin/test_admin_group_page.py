"""The page of a contact group: members, entries and exits, size, builds."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url
from consents.models import Consent
from consents.texts import save_text
from groups import sweeping
from groups.building import build_now
from groups.models import ContactGroup, GroupBuild, MembershipEvent
from groups.requesting import stop_following
from tests.admin.groups import LIST_URL, in_groups, make_group, rule
from tests.factories import make_activity, make_consent, make_contact

pytestmark = pytest.mark.django_db


def test_the_page_says_why_contacts_came_and_went(admin_client):
    contact = make_contact(first_name="Nina")
    visit = make_activity(contact)
    group = make_group(members=[contact])
    MembershipEvent.objects.create(
        group=group, contact=contact, entered=True, cause="activity", cause_id=visit.pk
    )
    MembershipEvent.objects.create(group=group, contact=contact, entered=False, cause="window")

    html = admin_client.get(change_url(group)).text

    assert f'<a href="{change_url(visit)}" class="font-medium text-link">An activity</a>' in html
    assert "Time passed" in html


def test_a_cause_is_linked_for_users_who_may_see_it(log_in):
    client = log_in("view_contactgroup", "view_contact")
    visit = make_activity()
    group = make_group()
    MembershipEvent.objects.create(
        group=group, contact=visit.contact, entered=True, cause="activity", cause_id=visit.pk
    )

    html = client.get(change_url(group)).text

    assert "An activity" in html
    assert change_url(visit) not in html


def test_members_and_events_are_paged(admin_client):
    contacts = [make_contact(last_name=f"Number {number:03}") for number in range(60)]
    group = make_group(members=contacts)
    for contact in contacts:
        MembershipEvent.objects.create(group=group, contact=contact, entered=True, cause="rule")

    first = admin_client.get(change_url(group))
    members = admin_client.get(change_url(group) + first.context["people"]["next"].split("#")[0])
    events = admin_client.get(change_url(group) + first.context["events"]["next"].split("#")[0])

    assert [row.contact for row in members.context["people"]["rows"]] == contacts[9::-1]
    assert members.context["people"]["next"] == ""
    assert [event.contact for event, _ in events.context["events"]["rows"]] == contacts[9::-1]
    assert events.context["events"]["next"] == ""


@pytest.mark.parametrize("query", ["after=x", "before=x", "after=-1", "before=999999", "find=%00"])
def test_a_page_that_is_nowhere_is_the_first(admin_client, query):
    group = make_group(members=[make_contact(first_name="Nina")])

    assert "Nina" in admin_client.get(f"{change_url(group)}?{query}").text


def test_the_page_shows_the_size_by_day(admin_client):
    now = timezone.now()
    contacts = [make_contact() for _ in range(3)]
    group = make_group(members=contacts[:2], created_at=now - timedelta(days=3))
    for contact, entered, days in (
        (contacts[0], True, 3),
        (contacts[2], True, 2),
        (contacts[2], False, 1),
        (contacts[1], True, 0),
    ):
        MembershipEvent.objects.create(
            group=group,
            contact=contact,
            entered=entered,
            cause="rule",
            at=now - timedelta(days=days),
        )

    sizes = admin_client.get(change_url(group)).context["sizes"]

    assert [size for _, size in sizes.days] == [1, 2, 1, 2]
    assert sizes.line == "0.0,60.0 200.0,0.0 400.0,60.0 600.0,0.0"


def test_the_page_warns_of_what_the_rule_cannot_find(admin_client):
    group = make_group(rule=rule(in_groups("nowhere")))

    assert "There is no contact group “nowhere”" in admin_client.get(change_url(group)).text


def test_progress_is_asked_for_while_a_build_runs_and_no_longer(admin_client):
    group = make_group()
    build = GroupBuild.objects.create(group=group, version=1, phase="reading")
    url = reverse("admin:groups_contactgroup_head", args=[group.pk])

    page = admin_client.get(change_url(group)).text
    running = admin_client.get(url).text
    GroupBuild.objects.filter(pk=build.pk).update(status="done", finished_at=timezone.now())
    done = admin_client.get(url)

    for html in (page, running):
        assert f'hx-get="{url}"' in html
        assert "Reading the history of all contacts" in html
    # Where the focus may be, nothing is replaced.
    assert "<button" not in running
    assert done.headers["HX-Retarget"] == "#group-head"
    assert "hx-get" not in done.text
    assert "Build again" in done.text


def test_progress_says_how_long_it_lasts_and_how_long_it_took_before(admin_client):
    group, now = make_group(), timezone.now()
    url = reverse("admin:groups_contactgroup_head", args=[group.pk])
    build = GroupBuild.objects.create(group=group, version=1)
    assert "Begun" not in admin_client.get(url).text

    GroupBuild.objects.filter(pk=build.pk).update(
        phase="reading", started_at=now - timedelta(minutes=5, seconds=10)
    )
    text = admin_client.get(url).text
    assert "Begun 5 minutes ago." in text

    GroupBuild.objects.create(
        group=group,
        version=1,
        status="done",
        started_at=now - timedelta(hours=1),
        finished_at=now - timedelta(hours=1) + timedelta(seconds=14),
    )
    text = admin_client.get(url).text
    assert "Begun 5 minutes ago; the last build took 14 seconds." in text


@pytest.mark.parametrize(
    ("begun", "last", "bar"),
    [
        (None, 100, 'max="100"'),
        (30, None, 'max="100"'),
        (0, 100, 'value="0" max="100"'),
        (30, 100, 'value="30" max="100"'),
        (99, 100, 'value="95" max="100"'),
        (3000, 100, 'value="95" max="100"'),
    ],
)
def test_the_bar_moves_by_the_time_that_the_last_build_took(
    admin_client, monkeypatch, begun, last, bar
):
    group, now = make_group(), timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    times = {"status": "done", "started_at": now - timedelta(hours=1)}
    if last is not None:
        finished_at = times["started_at"] + timedelta(seconds=last)
        GroupBuild.objects.create(group=group, version=1, finished_at=finished_at, **times)
    build = GroupBuild.objects.create(group=group, version=1)
    if begun is not None:
        begun_at = now - timedelta(seconds=begun)
        GroupBuild.objects.filter(pk=build.pk).update(phase="reading", started_at=begun_at)

    html = admin_client.get(reverse("admin:groups_contactgroup_head", args=[group.pk])).text

    assert f'<progress class="tl-progress mt-2" aria-label="Progress of the build" {bar}>' in html


def test_a_build_is_asked_for_and_cancelled(admin_client):
    group = make_group()

    admin_client.post(reverse("admin:groups_contactgroup_build", args=[group.pk]))
    assert group.builds.get().status == "waiting"
    admin_client.post(reverse("admin:groups_contactgroup_cancel", args=[group.pk]))
    assert group.builds.get().status == "cancelled"

    again = admin_client.post(
        reverse("admin:groups_contactgroup_cancel", args=[group.pk]), follow=True
    )
    assert "No build was under way" in again.text


def wait_for_a_new_text(group):
    """Have the group wait for the build that a new text of its consent asks for."""
    save_text(Consent.objects.get(), language="en", short_text="<p>Something else</p>")
    sweeping.compare_meanings()


def wait_as_it_cannot_be_followed(group):
    stop_following(group.pk)


@pytest.mark.parametrize("wait", [wait_for_a_new_text, wait_as_it_cannot_be_followed])
def test_a_group_whose_needed_build_was_cancelled_is_not_up_to_date(
    admin_client, log_in, monkeypatch, wait
):
    monkeypatch.setattr(sweeping, "_compared", frozenset())
    make_consent()
    current = {"type": "consent", "consent": "TrackingConsent", "version": "current"}
    group = make_group(rule=rule(current))
    build_now(group)
    assert "Up to date" in admin_client.get(LIST_URL).text
    wait(group)

    url = reverse("admin:groups_contactgroup_cancel", args=[group.pk])
    said = admin_client.post(url, follow=True).text

    assert "build the group to bring them up to date" in said
    for page in (LIST_URL, change_url(group)):
        html = admin_client.get(page).text
        assert "Build cancelled" in html
        assert "Up to date" not in html
        assert ">Now<" not in html
    assert "its build was cancelled. Build it, and they are." in html
    assert "Build again" not in html
    others = log_in("view_contactgroup").get(change_url(group)).text
    assert "A user who may change groups can build it." in others

    build_now(group)
    for page in (LIST_URL, change_url(group)):
        assert "Up to date" in admin_client.get(page).text
    assert "its build was cancelled" not in admin_client.get(change_url(group)).text


def test_a_group_that_follows_nothing_is_not_up_to_date(admin_client):
    group = make_group()
    ContactGroup.objects.update(served_rule=None)

    assert "Not built" in admin_client.get(LIST_URL).text
    html = admin_client.get(change_url(group)).text
    assert "it was not built yet. Build it, and they are." in html


def test_a_group_that_is_switched_off_is_not_built(admin_client):
    group = make_group(enabled=False)

    url = reverse("admin:groups_contactgroup_build", args=[group.pk])
    response = admin_client.post(url, follow=True)

    assert "is switched off" in response.text
    assert not group.builds.exists()


def test_a_failed_build_says_why(admin_client):
    group = make_group()
    GroupBuild.objects.create(group=group, version=1, attempts=2, last_error="No space left.")

    assert "No space left." in admin_client.get(change_url(group)).text


@pytest.mark.parametrize("name", ["head", "download"])
def test_a_group_that_is_not_there_is_not_found(admin_client, name):
    assert admin_client.get(f"{LIST_URL}999999/{name}/").status_code == 404
