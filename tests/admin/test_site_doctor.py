"""The site doctor: how tracking is on a site, and what to do about it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url, changelist_url
from crosssite.doctor import State, current_version, examine, hint_about, state_of, with_signs
from crosssite.models import BrowserHits, TrackedSite
from tests.admin.history import NASTY
from tests.admin.sites import ADD_URL, URL, make_site, make_website
from tests.factories import make_activity, make_consent

pytestmark = pytest.mark.django_db

Outcome = BrowserHits.Outcome


def make_hits(site, outcome, count=1, *, hours_ago=0, origin=None, **fields):
    at = timezone.now() - timedelta(hours=hours_ago)
    return BrowserHits.objects.create(
        channel=site.channel,
        origin=site.url if origin is None else origin,
        outcome=outcome,
        hour=at.replace(minute=0, second=0, microsecond=0),
        count=count,
        last_at=at,
        **{"last_path": "/", "last_version": current_version(), **fields},
    )


def doctor_url(site):
    return reverse("admin:crosssite_trackedsite_doctor", args=[site.pk])


def state_in_list(site):
    (signs,) = with_signs(TrackedSite.objects.filter(pk=site.pk))
    return state_of(signs.enabled, signs.last_recorded, signs.last_refused)


def test_a_site_waits_for_its_first_hit():
    site = make_site()

    assert examine(site).state == state_in_list(site) == State.WAITING


def test_a_site_with_an_activity_is_tracked():
    site = make_site()
    make_activity(channel=site.channel, tracked_site=site)

    assert examine(site).state == state_in_list(site) == State.TRACKING


def test_a_site_whose_contacts_were_erased_is_tracked():
    site = make_site()
    make_hits(site, Outcome.RECORDED, hours_ago=100)

    assert examine(site).state == State.TRACKING


@pytest.mark.parametrize(
    "outcome", [Outcome.CONSENT, Outcome.COOKIES, Outcome.OPT_OUT, Outcome.LIMIT, Outcome.INVALID]
)
def test_a_site_of_which_everything_is_refused_is_refused(outcome):
    site = make_site()
    make_hits(site, Outcome.RECORDED, hours_ago=30)
    make_hits(site, outcome, hours_ago=1)

    assert examine(site).state == state_in_list(site) == State.REFUSED
    assert examine(site).last_refusal.outcome == outcome


@pytest.mark.parametrize("outcome", [Outcome.BOT, Outcome.ORIGIN])
def test_a_site_that_only_bots_have_visited_still_waits(outcome):
    site = make_site()
    make_hits(site, outcome)

    assert examine(site).state == State.WAITING


def test_single_refusals_do_not_change_the_state():
    site = make_site()
    make_hits(site, Outcome.RECORDED, hours_ago=3)
    make_hits(site, Outcome.CONSENT, hours_ago=1)

    assert examine(site).state == State.TRACKING


def test_refusals_of_long_ago_do_not_change_the_state():
    site = make_site()
    make_hits(site, Outcome.CONSENT, hours_ago=40)

    assert examine(site).state == State.WAITING


def test_a_disabled_site_is_disabled_whatever_was():
    site = make_site(enabled=False)
    make_hits(site, Outcome.RECORDED)

    assert examine(site).state == state_in_list(site) == State.DISABLED


def test_hits_of_other_sites_and_channels_count_elsewhere():
    site = make_site()
    other = make_site(make_website(domain="www.example.net"), code_name="same-url")
    make_hits(other, Outcome.RECORDED)
    make_hits(site, Outcome.RECORDED, origin="https://blog.example.com")

    assert examine(site).state == State.WAITING
    assert examine(site).tallies == []


def test_hits_are_counted_by_day_and_week():
    site = make_site()
    make_hits(site, Outcome.RECORDED, 5, hours_ago=2)
    make_hits(site, Outcome.RECORDED, 7, hours_ago=50)
    make_hits(site, Outcome.RECORDED, 11, hours_ago=200)
    make_hits(site, Outcome.CONSENT, 2, hours_ago=2)
    make_hits(site, Outcome.BOT, 3, hours_ago=30)

    tallies = [(one.outcome, one.day, one.week) for one in examine(site).tallies]

    assert tallies == [(Outcome.RECORDED, 5, 12), (Outcome.BOT, 0, 3), (Outcome.CONSENT, 2, 2)]


def test_pages_are_shown_once_the_latest_first():
    site = make_site()
    make_hits(site, Outcome.RECORDED, hours_ago=3, last_path="/a")
    make_hits(site, Outcome.RECORDED, hours_ago=2, last_path="/b", last_version="0.9.0")
    make_hits(site, Outcome.CONSENT, hours_ago=1, last_path="/a", last_version="")

    report = examine(site)

    assert [(page.path, page.outcome) for page in report.pages] == [
        ("/a", Outcome.CONSENT),
        ("/b", Outcome.RECORDED),
    ]
    assert report.version == "0.9.0"
    assert not report.has_current_version


def test_the_current_version_is_that_of_the_tracker():
    assert re.fullmatch(r"\d+\.\d+\.\d+", current_version())


def test_unknown_origins_of_the_channel_are_shown_those_alike_first():
    site = make_site()
    make_site(site.channel, code_name="blog", url="https://blog.example.com")
    for origin, count in [
        ("https://elsewhere.example.net", 90),
        ("https://staging.example.com", 20),
        ("https://www.shop.example.com", 4),
        ("https://blog.example.com", 50),
        (URL, 60),
    ]:
        make_hits(site, Outcome.ORIGIN, count, origin=origin, hours_ago=1)

    strangers = examine(site).strangers

    assert [(one.origin, one.week, one.may_be_the_site) for one in strangers] == [
        ("https://www.shop.example.com", 4, True),
        ("https://staging.example.com", 20, False),
        ("https://elsewhere.example.net", 90, False),
    ]


@pytest.mark.parametrize(
    ("origin", "hint"),
    [
        ("http://shop.example.com", "Did you mean https://shop.example.com? The page was opened"),
        ("https://shop.example.com:8443", "Did you mean https://shop.example.com? With a port"),
        ("https://www.shop.example.com", "Did you mean https://shop.example.com? Visitors use it"),
        ("https://example.com", "Did you mean https://shop.example.com? To browsers"),
        ("https://staging.example.com", "Did you mean https://shop.example.com? To browsers"),
        ("null", "A page in a sandboxed frame"),
        ("", "No origin was sent"),
        ("https://example.net", ""),
        ("https://[", ""),
        ("https://notexample.com", ""),
    ],
)
def test_refused_origins_come_with_a_hint(origin, hint):
    given = hint_about(origin, URL)

    assert given.startswith(hint)
    assert bool(given) == bool(hint)


def test_strangers_under_a_common_ending_are_no_relatives():
    assert hint_about("https://b.co.uk", "https://shop.a.co.uk") == ""
    assert hint_about("https://a.co.uk", "https://shop.a.co.uk") != ""


def test_the_page_says_what_to_do_about_each_refusal(admin_client):
    site = make_site()
    for outcome in Outcome:
        make_hits(site, outcome, 1234)
    make_hits(site, Outcome.ORIGIN, origin="https://new.example.com")
    make_activity(
        channel=site.channel,
        tracked_site=site,
        title="Page visit 'Mugs'",
        url="https://shop.example.com/mugs?size=1",
    )

    html = unescape(admin_client.get(change_url(site)).text)

    for outcome in Outcome:
        assert outcome.label in html
    assert "1,234" in html
    assert "Page visit 'Mugs'" in html
    assert "<dd>/mugs</dd>" in html
    assert f"{ADD_URL}?url=https%3A%2F%2Fnew.example.com&channel={site.channel_id}" in html


@pytest.mark.parametrize("sites", [1, 3])
def test_the_page_takes_a_constant_number_of_queries(
    admin_client, sites, django_assert_num_queries
):
    site = make_site()
    for number in range(1, sites):
        make_site(site.channel, code_name=f"site-{number}", url=f"https://{number}.example.com")
    for number in range(sites):
        make_hits(site, Outcome.RECORDED, hours_ago=number)
        make_hits(site, Outcome.ORIGIN, origin=f"https://s{number}.example.com")
        make_activity(channel=site.channel, tracked_site=site)

    for url, queries in [
        (changelist_url(TrackedSite), 10),
        (change_url(site), 12),
        (doctor_url(site), 7),
    ]:
        admin_client.get(url)
        with django_assert_num_queries(queries):
            assert admin_client.get(url).status_code == 200


def test_whoever_watches_sees_the_first_hit(admin_client):
    site = make_site()

    before = admin_client.get(doctor_url(site))
    activity = make_activity(
        channel=site.channel, tracked_site=site, title="Page visit 'A'", url=f"{URL}/a"
    )
    after = admin_client.get(doctor_url(site))

    assert before.json()["state"] == "waiting"
    assert before.json()["last_activity"] is None
    assert after.json()["state"] == "tracking"
    assert after.json()["label"] == "Tracking"
    assert after.json()["last_activity"]["title"] == activity.title
    assert after.json()["last_activity"]["path"] == "/a"
    assert "cs-tracking" in after.json()["html"]["state"]
    assert "no-store" in after.headers["Cache-Control"]


def test_the_doctor_needs_a_login(client):
    response = client.get(doctor_url(make_site()))

    assert response.status_code == 302
    assert response.url.startswith(reverse("admin:login"))


@pytest.mark.parametrize(("may_view", "status"), [(False, 403), (True, 200)])
def test_the_doctor_needs_the_permission_to_see_sites(client, django_user_model, may_view, status):
    site = make_site()
    user = django_user_model.objects.create(username="reader", is_staff=True)
    if may_view:
        user.user_permissions.add(Permission.objects.get(codename="view_trackedsite"))
    client.force_login(user)

    assert client.get(doctor_url(site)).status_code == status
    assert client.get(change_url(site)).status_code == status


def test_the_doctor_knows_no_other_sites(admin_client):
    assert admin_client.get("/admin/crosssite/trackedsite/987654/doctor/").status_code == 404
    assert admin_client.post(doctor_url(make_site())).status_code == 405


def test_links_lead_only_where_the_user_may_go(client, django_user_model):
    site = make_site()
    make_hits(site, Outcome.INVALID)
    make_hits(site, Outcome.ORIGIN, origin="https://new.example.com")
    make_activity(channel=site.channel, tracked_site=site)
    user = django_user_model.objects.create(username="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_trackedsite"))
    client.force_login(user)

    html = client.get(change_url(site)).text

    links = re.findall(r'class="font-medium text-link" href="([^"]*)"', html)
    assert links == []


def test_nasty_text_is_escaped_everywhere(admin_client):
    consent = make_consent(name=NASTY)
    channel = make_website(name=NASTY, tracking_consent=consent)
    site = make_site(channel, name=NASTY, description=NASTY)
    make_hits(site, Outcome.RECORDED, last_path=NASTY, last_version="<b>1</b>")
    make_hits(site, Outcome.ORIGIN, origin=f"https://{NASTY}")
    make_activity(channel=channel, tracked_site=site, title=NASTY, url=f"{URL}/{NASTY}")

    answers = admin_client.get(doctor_url(site)).json()["html"].values()
    pages = [admin_client.get(url).text for url in (change_url(site), changelist_url(TrackedSite))]

    for html in (*answers, *pages):
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "<b>1</b>" not in html


def test_activities_of_a_site_carry_its_name(admin_client):
    site = make_site(name="Shop of Alder")
    activity = make_activity(channel=site.channel, tracked_site=site)

    assert "Yes · Shop of Alder" in admin_client.get(changelist_url(type(activity))).text
    assert "Yes · Shop of Alder" in admin_client.get(change_url(activity)).text
    assert "Cross-site · Shop of Alder" in admin_client.get(change_url(activity.contact)).text
