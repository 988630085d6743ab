"""What the hub makes of the commands that it is sent."""

import json
import string

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.models import Activity, RejectedActivity
from consents.agreements import record_agreement
from consents.models import Consent, ConsentAgreement
from consents.texts import save_text
from contacts.models import Contact
from crosssite.models import BrowserHits, SiteContact
from database.loop import Busy
from tests.crosssite.browsers import MAIN, SHOP, VISIT, Browser
from tests.crosssite.conftest import make_site
from tests.crosssite.test_origins import COMMANDS
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db

READING = ("ConsentData", "ConsentStatus", "ContactGroups")
# Any JSON object will do.
NEEDING_NOTHING = ("ContactGroups",)

BOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "curl/8.5.0",
    "AlwaysOn",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0; AppInsights)",
    "ELB-HealthChecker/2.0",
    "kube-probe/1.30",
    "",
]


def test_the_status_never_makes_a_contact(channel, browser):
    assert browser.status() is False
    assert not Contact.objects.exists()
    assert browser.cookies() == {}


def test_a_visitor_is_asked_again_if_agreements_to_earlier_texts_do_not_count(channel, browser):
    consent = channel.tracking_consent
    Consent.objects.filter(pk=consent.pk).update(older_versions_count=False)
    browser.agree()
    browser.log()
    assert browser.status() is True
    save_text(consent, language="en", short_text="<p>Something else</p>")

    browser.log()

    assert browser.status() is False
    assert Activity.objects.count() == 1
    browser.agree()
    browser.log()
    assert browser.status() is True
    assert Activity.objects.count() == 2


def test_agreeing_and_revoking_are_in_the_ledger(channel, browser, shop):
    answer = browser.send("ConsentAgree", {"codeName": "TRACKINGconsent", "languageName": "en"})

    assert answer.json() == {"isAgreed": True}
    assert browser.status() is True
    assert browser.revoke().json() == {"isAgreed": False}
    assert browser.status() is False
    agreement, revocation = ConsentAgreement.objects.order_by("pk")
    assert (agreement.agreed, revocation.agreed) == (True, False)
    assert (agreement.tracked_site, agreement.channel) == (shop, channel)
    assert agreement.text.short_text == "<p>May we?</p>"
    assert str(agreement.request_id) == answer["Request-Id"]


def test_revoking_never_makes_a_contact(channel, browser):
    assert browser.revoke().status_code == 200

    assert not Contact.objects.exists()
    assert not ConsentAgreement.objects.exists()


@pytest.mark.parametrize(
    "command", ["ConsentData", "ConsentStatus", "ConsentAgree", "ConsentRevoke"]
)
@pytest.mark.parametrize(
    ("code_name", "status"),
    [
        ("Unknown", 404),
        ("\ud800", 404),
        (None, 400),
        (5, 400),
        ("a\0b", 400),
        ({}, 400),
        ("x" * 100_000, 404),
    ],
)
def test_an_unknown_consent_is_an_error(channel, browser, command, code_name, status):
    response = browser.send(command, {"codeName": code_name})

    assert response.status_code == status
    assert not Contact.objects.exists()


@pytest.mark.parametrize("others", [1, 4])
def test_status_of_another_consent_is_asked_for_all_contacts_at_once(channel, browser, others):
    newsletter = make_consent("Newsletter")
    browser.agree()
    visitor = SiteContact.objects.get().visitor
    for number in range(others):
        contact, site = make_contact(), make_site(channel, f"https://site-{number}.example")
        SiteContact.objects.create(visitor=visitor, tracked_site=site, contact=contact)
    record_agreement(contact, newsletter, agreed=True)
    browser.origin = MAIN

    with CaptureQueriesContext(connection) as captured:
        status = browser.send("ConsentStatus", {"codeName": "newsletter"})

    assert status.json() == {"isAgreed": True}
    # Whose cookies these are, and what those have answered to the newsletter.
    assert sum("currentanswer" in query["sql"] for query in captured) == 2


def test_nothing_is_recorded_without_consent(channel, browser):
    response = browser.log()

    assert (response.status_code, response.content) == (204, b"")
    assert not response.cookies
    assert not Contact.objects.exists()
    note = RejectedActivity.objects.get()
    assert (note.code, note.status, bytes(note.payload)) == ("consent", "filtered", b"")


def test_what_is_refused_says_why_and_stands_in_nobodys_way(free_channel, browser):
    response = browser.log({"type": "click", "value": "x" * 251}, VISIT)

    assert response.status_code == 400
    problem = response.json()
    assert (problem["code"], problem["field"], problem["status"]) == ("too_long", "value", 400)
    assert response["Content-Type"] == "application/problem+json"
    assert Activity.objects.count() == 1
    assert {(h.outcome, h.count) for h in BrowserHits.objects.all()} == {
        ("recorded", 1),
        ("invalid", 1),
    }


@pytest.mark.parametrize("half", [rb"\ud83d", b"\xed\xa0\xbd"])
def test_half_of_a_character_is_replaced_and_costs_no_other_activity(free_channel, browser, half):
    browser.log()
    click = b'{"type":"click","value":"%s"}'
    body = b'{"activities":[%s]}' % b",".join(click % value for value in (b"a", b"b " + half, b"c"))

    assert browser.send_raw("Log", body).status_code == 200

    clicks = Activity.objects.filter(type__code_name="click").order_by("id")
    assert [one.value for one in clicks] == ["a", "b \ufffd", "c"]


def test_byte_order_mark_does_not_count(free_channel, browser):
    browser.log()

    assert browser.send_raw("Log", b'\xef\xbb\xbf{"activities":[]}').status_code == 400
    body = b'\xef\xbb\xbf{"activities":[{"type":"click","value":"a"}]}'
    assert browser.send_raw("Log", body).status_code == 200


def test_the_same_activity_sent_twice_counts_once(free_channel, browser):
    visit = {**VISIT, "id": "7b7e9a43-9a52-4f0c-9a69-3f2ac2c8b2c4"}

    assert [browser.log(visit).status_code for _ in range(2)] == [200, 200]

    assert Activity.objects.count() == 1


@pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 400)])
def test_one_request_may_bring_a_hundred_activities(free_channel, browser, count, status):
    assert browser.log(*[VISIT] * count).status_code == status
    assert Activity.objects.count() == (count if status == 200 else 0)


def test_a_request_without_activities_makes_no_contact(free_channel, browser):
    assert browser.send("Log", {"activities": []}).status_code == 400
    assert not Contact.objects.exists()


@pytest.mark.parametrize("user_agent", BOTS)
def test_bots_make_no_contacts(free_channel, shop, user_agent):
    browser = Browser(**{"User-Agent": user_agent})

    assert browser.log().status_code == 204
    assert browser.send("ConsentAgree", {"codeName": "x"}).status_code == 204

    assert not Contact.objects.exists()
    assert BrowserHits.objects.get().outcome == "bot"


def test_new_contacts_are_limited_by_site_and_address(free_channel, shop, blog, settings):
    settings.NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR = 2
    known = Browser()
    known.log()

    assert [Browser().log().status_code for _ in range(3)] == [200, 429, 429]
    assert Contact.objects.count() == 2
    # Who is known already, another site and another address are not concerned.
    assert known.log().status_code == 200
    assert Browser("https://blog.example").log().status_code == 200
    elsewhere = Browser()
    elsewhere.client.defaults["REMOTE_ADDR"] = "192.0.2.1"
    assert elsewhere.log().status_code == 200
    assert BrowserHits.objects.get(outcome="limit").count == 2


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in READING])
def test_read_only_asks_to_come_back(free_channel, browser, settings, command):
    settings.READ_ONLY = True

    response = browser.send(command, {"codeName": "x"})

    assert response.status_code == 503
    assert response["Retry-After"] == "120"
    assert not Contact.objects.exists()
    assert not BrowserHits.objects.exists()


def test_database_that_does_not_keep_up_asks_to_come_back(free_channel, browser, monkeypatch):
    def refuse(*args, **kwargs):
        raise Busy

    monkeypatch.setattr("crosssite.commands.record_soon", refuse)

    response = browser.log()

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["code"] == "busy"
    assert not BrowserHits.objects.exists()


def test_read_only_goes_on_reading(channel, browser, settings):
    settings.READ_ONLY = True

    text = browser.send("ConsentData", {"codeName": "TrackingConsent"})
    status = browser.send("ConsentStatus", {"codeName": "TrackingConsent"})

    assert (text.status_code, status.json()) == (200, {"isAgreed": False})
    assert not BrowserHits.objects.exists()


# Garbage


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{",
        "{}garbage",
        b"\xff\xfe",
        "[" * 10_000 + "]" * 10_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        '{"activities":' + "[" * 10_000 + "]" * 10_000 + "}",
    ],
)
def test_a_body_that_is_no_object_is_refused(free_channel, browser, command, body):
    response = browser.send_raw(command, body)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid"
    assert not Contact.objects.exists()
    assert not Activity.objects.exists()


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in NEEDING_NOTHING])
@pytest.mark.parametrize(
    "body",
    [
        '{"activities": "text"}',
        '{"activities": [null]}',
        '{"activities": [[]]}',
        '{"url": "https://[", "token": "x", "referrer": "https://["}',
    ],
)
def test_a_body_that_is_none_is_refused(free_channel, browser, command, body):
    response = browser.send_raw(command, body)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid" or "token" in str(body)
    assert not Contact.objects.exists()


def test_a_body_that_is_too_large_is_refused(free_channel, browser, settings):
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    assert browser.send_raw("Log", "x" * 1001).status_code == 413


@pytest.mark.parametrize("member", ["page", "version", "PAGE", "Version"])
@pytest.mark.parametrize("value", ["a\0b", "https://x/\0", "x" * 10_000, "https://[", 5, None, {}])
def test_what_describes_the_page_may_be_anything(free_channel, browser, member, value):
    assert browser.send("Log", {"activities": [VISIT], member: value}).status_code == 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
members = st.sampled_from(
    ["codeName", "languageName", "activities", "url", "token", "referrer", "cookieTest"]
) | st.sampled_from(["page", "version", "type", "value", "title", "id", "contactFields"])
activities = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["pagevisit", "click", "datainput", "landingpage"])
            | json_values,
            "value": json_values,
            "url": json_values,
            "contactFields": json_values
            | st.dictionaries(st.sampled_from(["ContactEmail", "ContactBirthday"]), json_values),
            "id": json_values,
            "referrer": json_values,
        },
    ),
    max_size=3,
)
contents = st.dictionaries(members, json_values, max_size=5) | st.fixed_dictionaries(
    {"activities": activities, "cookieTest": st.booleans()}
)


@pytest.mark.parametrize("command", COMMANDS)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=contents | st.binary(max_size=40))
def test_no_body_is_an_error_of_ours(free_channel, shop, command, content):
    browser = Browser()
    browser.client.cookies["KenticoCookiePolicyTest"] = "1"
    body = content if isinstance(content, bytes) else json.dumps(content)

    response = browser.send_raw(command, body)

    assert response.status_code < 500
    if response.status_code >= 400:
        assert response["Content-Type"] == "application/problem+json"


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(value=st.text(string.printable.replace("\n", "").replace("\r", "") + "äß", max_size=60))
def test_no_cookie_is_an_error_of_ours(free_channel, shop, value):
    browser = Browser()
    for name in ("CurrentContact", "CrossSiteContact", "CMSCookieLevel", "KenticoCookiePolicyTest"):
        browser.client.cookies[name] = value

    assert browser.log().status_code in (200, 204)


# The partner's link


def test_the_main_site_learns_of_its_partners(free_channel, shop, blog):
    blog.enabled = False
    blog.save()

    assert Browser(MAIN).log().json() == {"partners": [SHOP]}
    assert Browser(SHOP).log().json() == {}


@pytest.mark.parametrize(
    ("origin", "url", "status"),
    [
        (SHOP, f"{MAIN}/page?x#y", 200),
        (SHOP, MAIN.upper(), 200),
        (SHOP, "https://main.example:443/", 200),
        (MAIN, SHOP, 200),
        (SHOP, SHOP, 400),
        (SHOP, "https://blog.example", 400),
        (MAIN, "https://foreign.example", 400),
        (SHOP, "https://main.example@foreign.example/", 400),
        (SHOP, "http://main.example/", 400),
        (SHOP, "javascript:alert(1)", 400),
        (SHOP, "/page", 400),
        (SHOP, None, 400),
        (SHOP, "https://main.example:port/", 400),
    ],
)
def test_a_link_leads_to_the_partner_only(free_channel, shop, blog, origin, url, status):
    browser = Browser(origin)
    browser.log()

    response = browser.send("Link", {"url": url})

    assert response.status_code == status
    assert ("token" in response.json()) is (status == 200)


def test_nobody_gets_no_token(free_channel, channel, shop):
    assert Browser().send("Link", {"url": MAIN}).status_code == 204
    assert not Contact.objects.exists()
