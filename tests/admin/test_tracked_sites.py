"""Tracked sites in the admin: the form, the snippets and the site doctor."""

import json
import re
import shutil
import subprocess
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url, changelist_url
from crosssite import snippet
from crosssite.doctor import State, current_version, examine, hint_about, state_of, with_signs
from crosssite.models import BrowserHits, TrackedSite
from tests.admin.history import NASTY
from tests.factories import make_activity, make_channel, make_consent

pytestmark = pytest.mark.django_db

Outcome = BrowserHits.Outcome
URL = "https://shop.example.com"
ADD_URL = "/admin/crosssite/trackedsite/add/"
BAD_NAMES = ["x;alert(1)", "</script>", "", "ünï", "1st", "a b", "a-b", "kxt\n", "class", "a'"]


def make_website(**fields):
    return make_channel(**{"kind": "website", "domain": "www.example.com", **fields})


def make_site(channel=None, **fields):
    return TrackedSite.objects.create(
        **{
            "name": "Shop",
            "code_name": "shop",
            "url": URL,
            "channel": channel or make_website(),
            **fields,
        }
    )


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


def site_form(channel, **fields):
    return {
        "name": "Shop",
        "code_name": "shop",
        "url": URL,
        "description": "",
        "channel": channel.pk if channel else "",
        "enabled": "on",
        **fields,
    }


def doctor_url(site):
    return reverse("admin:crosssite_trackedsite_doctor", args=[site.pk])


def codes_on(response):
    return [
        unescape(code)
        for code in re.findall(r"<pre[^>]*><code[^>]*>(.*?)</code></pre>", response.text, re.S)
    ]


# The form


def test_a_new_site_leads_to_its_snippet(admin_client):
    channel = make_website()

    response = admin_client.post(ADD_URL, site_form(channel))

    site = TrackedSite.objects.get()
    assert response.url == f"{change_url(site)}#snippet"
    assert snippet.render("https://www.example.com") in codes_on(admin_client.get(change_url(site)))


@pytest.mark.parametrize(
    ("given", "saved"),
    [
        ("https://shop.example.com", "https://shop.example.com"),
        (" HTTPS://Shop.EXAMPLE.com ", "https://shop.example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://shop.localhost:8001", "http://shop.localhost:8001"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_a_url_is_saved_as_browsers_write_it(admin_client, given, saved):
    admin_client.post(ADD_URL, site_form(make_website(), url=given))

    assert TrackedSite.objects.get().url == saved


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", "This field is required."),
        ("shop.example.com", "Tracked sites need HTTPS: start with https://."),
        ("http://shop.example.com", "Tracked sites need HTTPS: start with https://."),
        ("ftp://shop.example.com", "Tracked sites need HTTPS: start with https://."),
        ("javascript:alert(1)", "Tracked sites need HTTPS: start with https://."),
        ("https://shop.example.com/", "Leave out everything after the domain."),
        ("https://shop.example.com/de", "Leave out everything after the domain."),
        ("https://shop.example.com?a=b", "Leave out everything after the domain."),
        ("https://shop.example.com#", "Leave out everything after the domain."),
        ("https://shop.example.com:8443", "Leave out the port."),
        ("https://shop.example.com:", "This is not the domain of a website."),
        ("https://me:pw@shop.example.com", "This is not the domain of a website."),
        ("https://*.example.com", "This is not the domain of a website."),
        ("https://shop example.com", "This is not the domain of a website."),
        ("https://shop..example.com", "This is not the domain of a website."),
        ("https://shop.example.com\\", "This is not the domain of a website."),
        ("https://", "This is not the domain of a website."),
        ("https://shop", "This is not the domain of a website."),
        ("https://[::1", "This is not a URL."),
        (f"https://{'ü' * 70}.example", "This is not the domain of a website."),
        (f"https://{'a.' * 200}example", "Ensure this value has at most 400 characters"),
        ("https://www.example.com", "This is the main site of the channel: it is tracked anyway."),
    ],
)
def test_a_bad_url_is_refused_at_its_field(admin_client, url, error):
    response = admin_client.post(ADD_URL, site_form(make_website(), url=url))

    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert set(errors) == {"url"}
    (message,) = errors["url"]
    assert message.startswith(error)
    assert not TrackedSite.objects.exists()


def test_a_second_site_with_the_same_url_is_refused(admin_client):
    site = make_site()

    response = admin_client.post(ADD_URL, site_form(site.channel, code_name="other"))

    assert "This channel has a tracked site with this URL already." in response.text


def test_a_site_belongs_to_a_website_channel(admin_client):
    response = admin_client.post(ADD_URL, site_form(make_channel()))

    assert "channel" in response.context["adminform"].form.errors


def test_pages_ask_for_a_website_channel_while_there_is_none(admin_client):
    make_channel()
    link = f"{reverse('admin:channels_channel_add')}?kind=website"

    assert link in admin_client.get(ADD_URL).text
    assert link in admin_client.get(changelist_url(TrackedSite)).text

    make_website()
    assert link not in admin_client.get(ADD_URL).text
    assert "No tracked sites yet" in admin_client.get(changelist_url(TrackedSite)).text


def test_a_site_in_use_is_not_deleted(admin_client):
    site = make_site()
    make_activity(channel=site.channel, tracked_site=site)

    response = admin_client.post(f"{change_url(site)[:-7]}delete/", {"post": "yes"}, follow=True)

    assert "Disable it instead" in response.text
    assert TrackedSite.objects.exists()


def test_an_unused_site_is_deleted(admin_client):
    site = make_site()

    admin_client.post(f"{change_url(site)[:-7]}delete/", {"post": "yes"})

    assert not TrackedSite.objects.exists()


def test_a_site_is_disabled_in_the_list(admin_client):
    site = make_site()
    form = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": site.pk,
        "_save": "Save",
    }

    admin_client.post(changelist_url(TrackedSite), form)

    site.refresh_from_db()
    assert not site.enabled


# The snippets


def test_the_snippet_is_the_documented_one():
    assert snippet.render("https://domain.com") == (
        """<script type="text/javascript">
    (function (w, d, s, e, n) {
        w.XperienceTrackerName = n;
        w[n] = w[n] || function () {
            (w[n].q = w[n].q || []).push(arguments);
        };
        var scriptElement = d.createElement(s);
        var scriptSection = d.getElementsByTagName(s)[0];
        scriptElement.async = 1;
        scriptElement.src = e.replace(/\\/+$/, '') + '/Kentico.Resource/CrossSiteTracking/Logger.js';
        scriptSection.parentNode.insertBefore(scriptElement, scriptSection);
        w[n]('init', { mainSiteUrl: e, document: d, window: w });
    })(window, document, 'script', 'https://domain.com', 'kxt');

    // Logs a page visit
    kxt('pagevisit');
</script>
"""  # noqa: E501 -- as it is documented
    )


def test_the_snippet_calls_the_chosen_function():
    code = snippet.render("https://domain.com", "customtracker")

    assert "'https://domain.com', 'customtracker');" in code
    assert "customtracker('pagevisit');" in code
    assert "kxt" not in code


@pytest.mark.parametrize("name", BAD_NAMES)
def test_what_cannot_be_a_function_name_is_refused(name):
    with pytest.raises(ValueError, match="cannot be the name"):
        snippet.render("https://domain.com", name)
    with pytest.raises(ValueError, match="cannot be the name"):
        snippet.render_consent_first("https://domain.com", "TrackingConsent", function_name=name)


@pytest.mark.parametrize("name", ["kxt", "$", "_", "a1", "customTracker", "$_$"])
def test_names_of_functions_are_accepted(name):
    assert f"{name}('pagevisit');" in snippet.render("https://domain.com", name)


def test_the_snippet_with_consent_asks_before_it_records():
    code = snippet.render_consent_first("https://domain.com", "MyConsent", language="de")

    order = ["init", "consentdefault", "consentdata", "consentcontactstatus", "pagevisit"]
    places = [code.index(f"('{command}'") for command in order]
    assert places == sorted(places)
    assert code.count("codeName: 'MyConsent'") == 4
    assert "languageName: 'de'" in code
    assert "kxt('consentagree'" in code
    assert "kxt('consentrevoke'" in code
    for element in ("lblConsentText", "btnConsentAgree", "btnConsentRevoke"):
        assert f'id="{element}"' in snippet.CONSENT_BANNER
        assert f"getElementById('{element}')" in code


@pytest.mark.parametrize(
    "text", ["</script>", "'", '"', "\\", "\\'", "a\nb", "\u2028", "<!--", NASTY]
)
def test_what_is_put_into_the_script_stays_text(text):
    code = snippet.render_consent_first(text, text)

    literals = re.findall(r"codeName: ('.*'),\n", code)
    assert len(literals) == 4
    assert code.count("<") == 2  # of the script element itself
    if node := shutil.which("node"):
        shown = subprocess.run(
            [node, "-e", f"process.stdout.write(JSON.stringify({literals[0]}))"],
            capture_output=True,
            check=True,
        )
        assert json.loads(shown.stdout) == text


def test_the_page_shows_both_snippets_escaped(admin_client):
    consent = make_consent("MyConsent", default_language="de", texts={"de": "Dürfen wir?"})
    site = make_site(make_website(tracking_consent=consent))

    response = admin_client.get(change_url(site))

    assert "<code>&lt;div id=" in response.text
    assert "&lt;script type=&quot;text/javascript&quot;&gt;" in response.text
    assert codes_on(response) == [
        snippet.render("https://www.example.com"),
        snippet.render_consent_first("https://www.example.com", "MyConsent", language="de"),
        snippet.CONSENT_BANNER,
    ]


def test_the_page_says_that_the_channel_has_no_consent(admin_client):
    site = make_site()

    response = admin_client.get(change_url(site))

    assert "has no tracking consent yet" in response.text
    assert f'href="{change_url(site.channel)}">Choose a tracking consent' in response.text
    assert len(codes_on(response)) == 1


def test_the_snippet_of_a_local_main_site_needs_no_certificate(admin_client):
    site = make_site(make_website(domain="main.localhost:8000"))

    assert "'http://main.localhost:8000'" in codes_on(admin_client.get(change_url(site)))[0]


# The site doctor


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
        (changelist_url(TrackedSite), 7),
        (change_url(site), 9),
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

    links = re.findall(r'class="tl-link" href="([^"]*)"', html)
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
