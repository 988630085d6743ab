"""What axe finds on the pages of the admin: nothing."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import ProgrammingError
from django.test import Client, RequestFactory
from django.urls import reverse
from playwright.sync_api import expect

from adminsite.formatting import change_url, changelist_url
from consents.agreements import record_agreement
from consents.models import Consent
from tests.admin.history import make_history
from tests.browser.pages import MAIN
from tests.factories import make_activity, make_consent, make_contact
from tests.security.test_every_url import ADMIN, NEEDED, address, rows

__all__ = ["rows"]  # a fixture

# There are a hundred pages.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(1_200),
]

ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
VIEWS = ("admin:index", "help", "api-docs")


@pytest.fixture
def user(sites):
    make_history()
    return User.objects.create_superuser("chief")


@pytest.fixture
def page(user, open_browser):
    client = Client()
    client.force_login(user)
    context = open_browser()
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    context.add_cookies([{**cookie, "url": f"https://{MAIN}/"}])
    return context.new_page()


def addresses(user):
    """The addresses of every list, of the form of a new row, and of one row."""
    request = RequestFactory().get("/")
    request.user, request.session = user, SessionStore()
    found = [reverse(view) for view in VIEWS]
    for model, options in admin.site._registry.items():
        found.append(changelist_url(model))
        if options.has_add_permission(request):
            found.append(f"{changelist_url(model)}add/")
        row = options.get_queryset(request).first()
        if row is not None:
            found.append(change_url(row))
    return found


def pages_of_their_own(user, rows):
    """The addresses of the other pages of the admin: no lists, forms of a row or parts of pages."""
    client = Client()
    client.force_login(user)
    for name, path, _ in ADMIN:
        if name in {*NEEDED, "adminsite:search"} and "(?P" not in path:
            url = address(name, path, rows)
            answer = client.get(url)
            is_page = answer.get("Content-Type", "").startswith("text/html")
            if answer.status_code == 200 and is_page and b"<html" in answer.getvalue():
                yield url


def look(page, address, rules, status=200):
    """What axe finds on a page, by the names of the rules."""
    answer = page.goto(f"https://{MAIN}{address}")
    if answer.status != status:
        return {"status": answer.status}
    return examine(page, rules)


def examine(page, rules):
    """What axe finds on the page that is open, by the names of the rules."""
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return {one["id"]: [node["html"][:200] for node in one["nodes"][:3]] for one in found}


def test_every_page_can_be_used_by_keyboard_and_screen_reader(page, user):
    found = {address: look(page, address, ALL) for address in addresses(user)}

    assert len(found) > 60
    assert {address: rules for address, rules in found.items() if rules} == {}


def test_pages_that_are_no_lists_can_be_used_as_well(page, user, rows):
    found = {url: look(page, url, ALL) for url in pages_of_their_own(user, rows)}

    assert len(found) > 15
    assert {url: rules for url, rules in found.items() if rules} == {}


def test_text_can_be_read_in_the_dark_and_on_phones(page, user):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")

    found = {address: look(page, address, CONTRAST) for address in addresses(user)}

    assert {address: rules for address, rules in found.items() if rules} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_counts_of_a_contact_and_links_in_a_consent_can_be_read(page, user, scheme):
    contact = make_contact(first_name="Ada")
    # Axe passes over the contrast of a single digit.
    for number in range(12):
        make_activity(contact, title=f"Loans {number}")
    record_agreement(contact, Consent.objects.order_by("pk").first(), agreed=True)
    text = '<p>We keep it, see <a href="https://example.com/">our policy</a> for more.</p>'
    consent = make_consent("linked", texts={"en": text})
    page.emulate_media(color_scheme=scheme)

    page.set_viewport_size({"width": 1440, "height": 1200})
    page.goto(f"https://{MAIN}{change_url(contact)}")
    expect(page.locator("a.active", has_text="Timeline")).to_have_text("Timeline13")
    # A tab that is opened gets its colours by and by.
    page.wait_for_timeout(500)
    found = {change_url(contact): examine(page, ALL)}
    found[change_url(consent)] = look(page, change_url(consent), ALL)
    assert page.locator("trix-editor a").count() == 1
    assert {url: rules for url, rules in found.items() if rules} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_errors_can_be_used_and_look_as_the_admin_does(page, user, scheme, monkeypatch):
    def fail(*args):
        raise ProgrammingError("no such table")

    page.emulate_media(color_scheme=scheme)
    assert look(page, "/admin/nothing/", ALL, status=404) == {}
    assert "Throughline" in page.get_by_role("banner").inner_text()
    assert page.locator("header img").evaluate("image => image.naturalWidth") > 0
    monkeypatch.setattr("config.help.views.title_of", fail)
    assert look(page, "/admin/help/", ALL, status=500) == {}
    User.objects.update(is_superuser=False)
    assert look(page, "/admin/groups/contactgroup/", ALL, status=403) == {}
    page.get_by_role("link", name="Go to the dashboard").click()
    expect(page).to_have_url(f"https://{MAIN}/admin/")


@pytest.mark.parametrize(("chosen", "system"), [("dark", "light"), ("light", "dark")])
def test_pages_of_errors_have_the_theme_that_was_chosen(page, chosen, system):
    page.emulate_media(color_scheme=system)
    page.goto(f"https://{MAIN}/admin/")
    page.evaluate(f"localStorage.setItem('_x_adminTheme', JSON.stringify('{chosen}'))")

    page.goto(f"https://{MAIN}/admin/nothing/")

    expect(page.locator("html")).to_have_css("color-scheme", chosen)
    ground = "rgb(255, 255, 255)" if chosen == "light" else "rgb(23, 23, 28)"
    expect(page.locator("body")).to_have_css("background-color", ground)
    page.evaluate("localStorage.removeItem('_x_adminTheme')")  # the browser is used again
