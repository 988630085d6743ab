"""Ctrl+K in a real browser: by keyboard alone, by the button, and on a phone."""

import pytest
from playwright.sync_api import expect

from adminsite.formatting import change_url, changelist_url
from contacts.models import Contact
from tests.browser.pages import MAIN
from tests.factories import make_contact

pytestmark = pytest.mark.django_db(transaction=True)

HUB = f"https://{MAIN}"


@pytest.fixture
def page(admin_page):
    """The dashboard, in the browser of a superuser."""
    admin_page.goto(f"{HUB}/admin/")
    return admin_page


def test_a_contact_is_reached_by_keyboard_without_waiting(page):
    contact = make_contact(first_name="Zoë", last_name="Keller")

    page.keyboard.press("Control+k")
    page.keyboard.type("zoe elle")
    page.keyboard.press("Enter")

    page.wait_for_url(f"{HUB}{change_url(contact)}")


def test_arrows_choose_and_are_said_aloud(page):
    first = make_contact(first_name="Zoë", last_name="Keller")
    second = make_contact(first_name="Zoë", last_name="Brandt")

    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search people")
    expect(box).to_be_focused()
    expect(page.get_by_text("Any part of a name")).to_be_visible()
    page.keyboard.type("zoe")
    options = page.get_by_role("option")
    expect(options).to_have_count(2)
    expect(page.get_by_role("status").get_by_text("2 things found.")).to_be_attached()
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    expect(options.nth(0)).to_contain_text(str(second))
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    page.wait_for_url(f"{HUB}{change_url(first)}")


def test_nothing_found_says_so_and_escape_closes(page):
    page.keyboard.press("Control+k")
    page.keyboard.type("qqq")
    expect(page.get_by_text("Nothing found", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    if page.locator("#palette").is_visible():  # the first empties the field
        page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(page).to_have_url(f"{HUB}/admin/")


def test_the_button_of_a_phone_opens_it_and_a_page_is_found(page):
    page.set_viewport_size({"width": 390, "height": 844})
    button = page.get_by_role("link", name="Search everything")
    expect(button).to_be_visible()
    button.click()
    page.keyboard.type("contacts")
    page.get_by_role("option").filter(has_text="Contacts").first.click()

    page.wait_for_url(f"{HUB}{changelist_url(Contact)}")
