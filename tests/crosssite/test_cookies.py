"""The cookies by which a browser is recognised."""

from uuid import uuid4

import pytest

from activities.models import Activity
from channels.models import Channel
from contacts.models import Contact
from crosssite.models import SiteContact
from tests.crosssite.browsers import MAIN, SHOP, VISIT, Browser

pytestmark = pytest.mark.django_db

A_YEAR = 365 * 24 * 3600
LANDING = {"type__code_name": "landingpage"}


def attributes_of(morsel):
    return {name: value for name, value in morsel.items() if value and name != "expires"}


EVERYWHERE = {"path": "/", "secure": True, "samesite": "None"}


def test_a_tracked_sites_visitor_gets_a_cookie_and_its_partitioned_twin(channel, browser):
    browser.agree()

    cookies = {name: attributes_of(morsel) for name, morsel in browser.cookies().items()}
    lasting = {**EVERYWHERE, "max-age": A_YEAR}
    short = {**EVERYWHERE, "max-age": 60, "httponly": True}
    assert cookies == {
        "CrossSiteContact": {**lasting, "httponly": True},
        "CrossSiteContactPartitioned": {**lasting, "httponly": True, "partitioned": True},
        "CMSCookieLevel": lasting,
        "KenticoCookiePolicyTest": short,
        "KenticoCookiePolicyTestPartitioned": {**short, "partitioned": True},
    }
    assert browser.cookies()["CMSCookieLevel"].value == "1000"
    guid = str(Contact.objects.get().guid)
    assert browser.cookies()["CrossSiteContact"].value.startswith(f"{guid}.")


def test_a_main_sites_visitor_gets_the_main_sites_cookie(channel):
    browser = Browser(MAIN)
    browser.agree()
    browser.log()

    cookies = browser.cookies()
    assert {"CurrentContact", "CMSLandingPageLoaded"} <= set(cookies)
    assert not {"CrossSiteContact", "CrossSiteContactPartitioned"} & set(cookies)
    assert attributes_of(cookies["CurrentContact"]) == {
        **EVERYWHERE,
        "httponly": True,
        "max-age": A_YEAR,
    }
    assert cookies["CMSLandingPageLoaded"].value == "true"
    assert cookies["CMSLandingPageLoaded"]["max-age"] == 20 * 60


def test_partitioned_reaches_the_wire(channel, browser):
    header = browser.agree().cookies["CrossSiteContactPartitioned"].OutputString()

    assert "Partitioned" in header
    assert "SameSite=None" in header


def test_every_answer_renews_the_cookie(free_channel, browser):
    browser.log()

    assert "CrossSiteContact" in browser.log().cookies


def damaged(value):
    guid, _, signature = value.partition(".")
    return {
        "bare": guid,
        "no signature": f"{guid}.",
        "truncated": value[:-1],
        "longer": value + "x",
        "another guid": f"{'0' * 8}-0000-4000-8000-{'0' * 12}.{signature}",
        "upper case": value.upper(),
        "empty": "",
        "text": "hello",
        "a dot": ".",
        "letters": "ÿü.ß",
        "NUL": "\\000.\\000",
        "long": "x" * 3000,
    }


@pytest.mark.parametrize(
    "name", ["CurrentContact", "CrossSiteContact", "CrossSiteContactPartitioned"]
)
@pytest.mark.parametrize("damage", damaged("").keys())
def test_a_damaged_cookie_takes_nobody_over(free_channel, shop, name, damage):
    victim = Browser(MAIN if name == "CurrentContact" else SHOP)
    victim.log()
    attacker = Browser(SHOP)
    attacker.client.cookies[name] = damaged(victim.cookies()[name].value)[damage]

    assert attacker.log().status_code == 200

    assert Contact.objects.count() == 2
    assert len({activity.contact_id for activity in Activity.objects.exclude(**LANDING)}) == 2


def test_a_cookie_is_good_under_its_own_name_only(free_channel, shop):
    victim = Browser(SHOP)
    victim.log()
    attacker = Browser(MAIN)
    attacker.client.cookies["CurrentContact"] = victim.cookies()["CrossSiteContact"].value

    attacker.log()

    assert Contact.objects.count() == 2


def test_a_cookie_of_another_channel_tells_nothing(free_channel):
    Channel.objects.create(code_name="other", name="Other", kind="website", domain="other.example")
    victim = Browser("https://other.example", "other.example")
    victim.log()
    attacker = Browser(MAIN)
    attacker.client.cookies["CurrentContact"] = victim.cookies()["CurrentContact"].value

    attacker.log()

    assert Contact.objects.count() == 2


def test_a_cookie_of_an_erased_contact_tells_nothing(free_channel, browser):
    browser.log()
    for model in (Activity, SiteContact, Contact):
        model.objects.all().delete()

    assert browser.log().status_code == 200
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("level", ["", "abc", "-1000", "0", "100", "²", "9" * 5000])
def test_a_cookie_level_below_visitor_is_not_tracked_on_the_main_site(channel, level):
    browser = Browser(MAIN)
    browser.agree()
    browser.client.cookies["CMSCookieLevel"] = level

    tracked = browser.log().status_code == 200

    assert tracked is (level not in ("-1000", "0", "100"))


def test_revoking_deletes_what_is_above_the_level(channel):
    browser = Browser(MAIN)
    browser.agree()
    browser.log()

    response = browser.revoke()

    deleted = {name for name, morsel in response.cookies.items() if morsel["max-age"] == 0}
    assert deleted == {
        "CurrentContact",
        "CrossSiteContact",
        "CrossSiteContactPartitioned",
        "CMSLandingPageLoaded",
    }
    assert response.cookies["CMSCookieLevel"].value == "0"
    assert response.cookies["CrossSiteContactPartitioned"]["partitioned"]
    assert not response.cookies["CrossSiteContact"]["partitioned"]
    assert {morsel["secure"] for morsel in response.cookies.values()} == {True}


def test_a_visit_has_one_landing_page(free_channel):
    browser = Browser(MAIN)
    for _ in range(3):
        browser.log()
    assert Activity.objects.filter(**LANDING).count() == 1

    # As a browser does twenty minutes after the last page.
    del browser.client.cookies["CMSLandingPageLoaded"]
    browser.log()
    assert Activity.objects.filter(**LANDING).count() == 2


def test_a_visit_that_is_sent_twice_has_one_landing_page(free_channel):
    browser = Browser(MAIN)
    browser.log({"type": "click", "value": "1"})
    before = browser.client.cookies.copy()
    visit = {**VISIT, "id": str(uuid4())}
    browser.log(visit)
    # As a page that is left before the answer is there.
    browser.client.cookies = before
    browser.log(visit)

    types = Activity.objects.order_by("pk").values_list("type__code_name", flat=True)
    assert list(types) == ["click", "landingpage", "pagevisit"]


def test_each_page_keeps_the_visit_alive(free_channel):
    browser = Browser(MAIN)
    browser.log()

    assert browser.log().cookies["CMSLandingPageLoaded"]["max-age"] == 1200


def test_a_tracked_site_has_no_landing_pages(free_channel, browser):
    browser.log()

    assert not Activity.objects.filter(**LANDING).exists()


def test_a_first_visitor_who_sends_two_requests_at_once_is_one_contact(free_channel, shop):
    browser = Browser(SHOP)
    browser.send_raw("Log", '{"activities": [{"type": "click", "value": "1"}]}')
    before = browser.client.cookies.copy()
    browser.log()
    browser.client.cookies = before

    browser.log()

    assert Contact.objects.count() == 1
    assert Activity.objects.count() == 2
    assert Contact.objects.get().site_contacts.count() == 1


def test_the_same_newcomer_on_two_sites_is_two_contacts(free_channel, shop, blog):
    first, second = Browser(SHOP), Browser("https://blog.example")
    first.send_raw("Log", '{"activities": [{"type": "click", "value": "1"}]}')
    second.client.cookies = first.client.cookies.copy()

    first.log()
    second.log()

    assert Contact.objects.count() == 2


def test_a_browser_that_blocks_cookies_is_told_so_and_makes_no_contact(free_channel, shop):
    browser = Browser(blocks_cookies=True)

    for command in ("Log", "ConsentAgree"):
        answer = browser.send(command, {"codeName": "x", "activities": [{"type": "click"}]})
        if command == "Log":
            assert answer.json() == {"cookiesBlocked": True}

    assert not Contact.objects.exists()
