"""The demo's websites: which page answers where. Browsers visit them in tests/browser."""

import re

import pytest
from django.conf import settings as project_settings
from django.core.management import call_command
from django.test import Client

from channels.models import Channel
from config.demo.websites import EXAMPLE, EXAMPLE_MAIN_SITE, example_page
from consents.agreements import record_agreement
from consents.models import Consent
from crosssite import cookies, snippet
from crosssite.models import TrackedSite
from groups.models import ContactGroup, Membership
from tests.demo.storyless import load_without_story
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

LOGGER_V2 = "/Kentico.Resource/Activities/KenticoActivityLogger/LoggerV2.js"


@pytest.fixture
def demo(db, settings, monkeypatch):
    """The demo's channels and sites without its story, and their pages."""
    load_without_story(monkeypatch)
    middleware = "config.demo.websites.DemoWebsitesMiddleware"
    if middleware not in settings.MIDDLEWARE:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]


def without_spaces(text):
    return re.sub(r"\s+", "", text)


def loader_for(main_url):
    """The code snippet of the admin, up to and with what loads the script."""
    before, call, _ = without_spaces(snippet.render(main_url)).partition(f"'{main_url}','kxt');")
    return before.partition(">")[2] + call


def get(host, path="/", client=None, **options):
    host = f"{host}:{project_settings.PORT}"
    return (client or Client()).get(path, headers={"Host": host}, **options)


@pytest.mark.parametrize("path", ["/", "/loans/", "/contact/"])
def test_main_site_has_the_script_and_the_text_of_the_consent(demo, path):
    response = get("main.localhost", path)

    html = response.content.decode()
    assert response.status_code == 200
    assert f'src="{LOGGER_V2}"' in html
    assert "May we remember which pages you visit" in html
    assert 'id="consent-agree"' in html
    assert 'id="consent-revoke"' in html
    assert f'href="http://homes.localhost:{project_settings.PORT}/"' in html
    assert f'href="http://magazine.localhost:{project_settings.PORT}/"' in html


def test_main_site_is_where_its_channel_is(demo):
    Channel.objects.filter(code_name="main-site").update(domain="bank.localhost")

    assert b"A bank that grows with you." in get("bank.localhost").content
    assert get("main.localhost").status_code == 302


def test_main_site_greets_a_contact_and_hides_the_banner(demo):
    channel = Channel.objects.get(code_name="main-site")
    contact = make_contact(first_name="<b>Ada")
    record_agreement(contact, channel.tracking_consent, agreed=True)
    client = Client()
    response = get("main.localhost", client=client)
    cookies.set_current_contact(response, contact, channel)
    client.cookies = response.cookies

    html = get("main.localhost", client=client).content.decode()

    assert "Good to see you, &lt;b&gt;Ada." in html
    assert re.search(r'<section id="consent"[^>]* hidden>', html)


def test_main_site_greets_who_is_interested_in_a_loan_differently(demo):
    channel = Channel.objects.get(code_name="main-site")
    contact = make_contact(first_name="<b>Ada")
    record_agreement(contact, channel.tracking_consent, agreed=True)
    client = Client()
    response = get("main.localhost", client=client)
    cookies.set_current_contact(response, contact, channel)
    client.cookies = response.cookies
    ContactGroup.objects.filter(code_name="loan-interest").update(static=True, rule={})

    before = get("main.localhost", client=client).text
    Membership.objects.create(
        group=ContactGroup.objects.get(code_name="loan-interest"), contact=contact
    )
    after = get("main.localhost", client=client).text

    assert "Good to see you, &lt;b&gt;Ada." in before
    assert "Good to see you" not in after
    assert "&lt;b&gt;Ada, your loan is closer than you think." in after


def test_main_site_without_a_consent_has_no_banner(demo):
    Channel.objects.update(tracking_consent=None)

    for host in ("main.localhost", "homes.localhost"):
        response = get(host)
        assert response.status_code == 200
        assert b'id="consent-agree"' not in response.content


def test_main_site_answers_like_the_hub_elsewhere(demo):
    assert get("main.localhost", "/health/live").status_code == 200
    assert get("main.localhost", LOGGER_V2).status_code == 302


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("homes.localhost", "/"),
        ("homes.localhost", "/riverside/"),
        ("homes.localhost", "/viewing/"),
        ("magazine.localhost", "/"),
    ],
)
def test_tracked_site_has_the_snippet_for_the_main_site(demo, host, path):
    response = get(host, path)

    html = response.content.decode()
    main_url = f"http://main.localhost:{project_settings.PORT}"
    assert response.status_code == 200
    assert loader_for(main_url) in without_spaces(html)
    assert f'href="{main_url}/' in html
    assert 'id="consent-agree"' in html


@pytest.mark.parametrize("host", ["homes.localhost", "magazine.localhost"])
@pytest.mark.parametrize("path", ["/admin/", "/health/live", LOGGER_V2, "/nowhere/"])
def test_tracked_site_has_nothing_of_the_hub(demo, host, path):
    assert get(host, path).status_code == 404


@pytest.mark.parametrize("host", ["main.localhost", "homes.localhost"])
def test_pages_tell_other_websites_where_a_visitor_comes_from(demo, host):
    assert get(host)["Referrer-Policy"] == "strict-origin-when-cross-origin"


def test_hub_behind_the_demo_costs_no_query_more(demo, settings, django_assert_num_queries):
    settings.REMEMBERED_SECONDS = 60
    get("127.0.0.1", "/health/live")

    with django_assert_num_queries(0):
        assert get("127.0.0.1", "/health/live").status_code == 200


@pytest.mark.parametrize("host", ["main.localhost", "homes.localhost"])
def test_pages_are_for_reading(demo, host):
    response = Client().post("/", headers={"Host": f"{host}:{project_settings.PORT}"})

    assert response.status_code == 405


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_other_hosts_lead_to_the_admin(demo, host):
    assert get(host)["Location"] == "/admin/"


def test_hub_without_the_demo_has_no_websites(db, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "demo" not in name]
    call_command("load_demo_data", verbosity=0)

    assert get("main.localhost")["Location"] == "/admin/"
    assert get("homes.localhost")["Location"] == "/admin/"


def test_demo_websites_survive_the_deletion_of_the_other_site(demo):
    TrackedSite.objects.filter(code_name="alder-homes").delete()

    assert get("magazine.localhost").status_code == 200
    assert b"Look at homes" not in get("main.localhost").content


def test_example_of_the_documentation_has_the_snippet_to_the_letter():
    assert loader_for(EXAMPLE_MAIN_SITE) in without_spaces(EXAMPLE.read_text())


def test_example_is_for_the_consent_of_the_demo(demo):
    assert Consent.objects.filter(code_name="TrackingConsent").exists()
    assert "'TrackingConsent'" in EXAMPLE.read_text()
    assert EXAMPLE_MAIN_SITE not in example_page("https://main.example")
