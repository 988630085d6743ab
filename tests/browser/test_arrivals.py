"""Tokens of hand-over links: which join the visitor who brings them, and which nobody."""

import time
from unittest.mock import patch

import pytest

from activities.models import Activity
from consents.agreements import record_agreement
from contacts.models import Contact
from crosssite import handover
from crosssite.models import TrackedSite
from tests.browser.conftest import BLOCKED
from tests.browser.links import ON_MAIN, ON_SHOP, add_link, wait_for_the_visitor_on_main
from tests.browser.pages import BLOG, MAIN, SHOP, external_page, main_page
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Arrival:
    """Somebody opens an address of the main site, having come from another one."""

    def __init__(self, page, websites):
        self.page, self.websites = page, websites

    def open(self, token, referrer=f"{ON_SHOP}/", host=MAIN):
        before = len(self.websites.bodies("Arrive"))
        self.page.goto(f"https://{host}/?kxt-link={token}", referer=referrer)
        self.page.wait_for_url(f"https://{host}/")
        wait_until(lambda: len(self.websites.bodies("Arrive")) > before)
        self.websites.wait_until_idle()
        # What came after it is answered as well.
        self.page.evaluate(
            "new Promise(done => kxt('consentcontactstatus', "
            "{ codeName: 'TrackingConsent', callback: done, onerror: done }))"
        )

    def has_joined(self):
        return any(
            cookie["name"] in ("CurrentContact", "CrossSiteContactPartitioned")
            for cookie in self.page.context.cookies()
        )


@pytest.fixture
def arrival(sites, open_browser, websites):
    """A visitor whom the hub has never seen."""
    return Arrival(open_browser(BLOCKED).new_page(), websites)


@pytest.fixture
def agreed_contact(sites):
    contact = Contact.objects.create()
    record_agreement(contact, sites.tracking_consent, agreed=True, channel=sites)
    return contact


def mint(contact, from_origin=ON_SHOP, to_origin=ON_MAIN):
    return handover.mint_token(contact, from_origin=from_origin, to_origin=to_origin)


def test_a_token_joins_the_visitor_who_brings_it(arrival, agreed_contact):
    arrival.open(mint(agreed_contact))

    assert arrival.has_joined()
    wait_for_the_visitor_on_main(agreed_contact)


def test_a_copied_link_joins_nobody_once_it_was_followed(shop, open_browser, websites):
    addresses = []
    shop.on("request", lambda request: addresses.append(request.url))
    shop.click("#main")
    shop.wait_for_url(f"{ON_MAIN}/")
    wait_for_the_visitor_on_main()
    (copied,) = [url for url in addresses if "kxt-link" in url]
    friend = Arrival(open_browser(BLOCKED).new_page(), websites)

    friend.open(copied.partition("kxt-link=")[2])

    assert not friend.has_joined()
    assert Activity.objects.count() == 3


@pytest.mark.parametrize(
    "referrer", ["", f"https://{BLOG}/", f"{ON_MAIN}/", "https://mail.example/"]
)
def test_a_link_that_was_passed_on_joins_nobody(arrival, agreed_contact, referrer):
    arrival.open(mint(agreed_contact), referrer=referrer)

    assert not arrival.has_joined()
    assert not Activity.objects.exists()


@pytest.mark.parametrize("damage", ["forged", "truncated", "garbage", "expired", "other key"])
def test_a_damaged_or_old_token_joins_nobody(arrival, agreed_contact, damage):
    token = mint(agreed_contact)
    if damage == "expired":
        with patch("django.core.signing.time.time", return_value=time.time() - 121):
            token = mint(agreed_contact)
    if damage == "other key":
        with patch("django.conf.settings.SECRET_KEY", "another"):
            token = mint(agreed_contact)
    token = {"forged": token[:-1] + "-", "truncated": token[:-8], "garbage": "%00%ff:x"}.get(
        damage, token
    )

    arrival.open(token)

    assert not arrival.has_joined()
    assert not Activity.objects.exists()


def test_a_token_is_good_for_two_minutes(arrival, agreed_contact):
    with patch("django.core.signing.time.time", return_value=time.time() - 100):
        token = mint(agreed_contact)

    arrival.open(token)

    assert arrival.has_joined()


@pytest.mark.parametrize(
    ("pair", "arrives_at", "comes_from"),
    [
        ((f"https://{BLOG}", ON_MAIN), MAIN, ON_SHOP),
        ((ON_SHOP, f"https://{BLOG}"), MAIN, ON_SHOP),
        ((ON_MAIN, f"https://{BLOG}"), SHOP, ON_MAIN),
        ((ON_SHOP, ON_MAIN), SHOP, ON_MAIN),
    ],
)
def test_a_token_for_another_pair_joins_nobody(
    arrival, agreed_contact, pair, arrives_at, comes_from
):
    arrival.open(mint(agreed_contact, *pair), referrer=f"{comes_from}/", host=arrives_at)

    assert not arrival.has_joined()
    assert not Activity.objects.exists()


@pytest.mark.parametrize("answer", ["never asked", "revoked"])
def test_a_token_of_somebody_without_consent_joins_nobody(sites, arrival, agreed_contact, answer):
    contact = Contact.objects.create()
    if answer == "revoked":
        contact = agreed_contact
        token = mint(contact)
        record_agreement(contact, sites.tracking_consent, agreed=False, channel=sites)
    else:
        token = mint(contact)

    arrival.open(token)

    assert not arrival.has_joined()
    assert not Activity.objects.exists()


def test_a_token_joins_nobody_who_revoked_where_they_arrive(arrival, agreed_contact):
    page = arrival.page
    page.goto(f"{ON_MAIN}/")
    page.wait_for_function("typeof kxt === 'function'")
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    wait_until(lambda: Activity.objects.count() == 2)
    page.click("#revoke")
    page.wait_for_selector("[data-agreed=false]")

    arrival.open(mint(agreed_contact))

    assert not arrival.has_joined()
    assert not agreed_contact.activities.exists()


def test_a_disabled_site_hands_over_nobody(sites, shop):
    TrackedSite.objects.filter(url=ON_SHOP).update(enabled=False)
    add_link(shop, f"{ON_MAIN}/")

    shop.click("#added")
    shop.wait_for_url(f"{ON_MAIN}/")
    shop.wait_for_function("typeof kxt === 'function'")

    assert "CurrentContact" not in {cookie["name"] for cookie in shop.context.cookies()}


def test_links_work_from_the_main_site_to_a_page_of_a_tracked_site(sites, open_browser, websites):
    websites.pages[SHOP, "/offer"] = external_page("Offer")
    websites.pages[MAIN, "/"] = main_page(
        "Welcome", f'<a id="offer" href="{ON_SHOP}/offer?x#y">Offer</a>'
    )
    page = open_browser(BLOCKED).new_page()
    page.goto(f"{ON_MAIN}/")
    page.wait_for_function("typeof kxt === 'function'")
    page.click("#agree")
    page.wait_for_selector("[data-agreed=true]")
    wait_until(lambda: Activity.objects.count() == 2)

    page.click("#offer")
    page.wait_for_url(f"{ON_SHOP}/offer?x#y")
    page.wait_for_selector("[data-agreed=true]")

    wait_until(lambda: Activity.objects.filter(tracked_site__name=SHOP).count() == 1)
    assert Contact.objects.count() == 1
