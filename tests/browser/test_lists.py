"""Lists of the admin on a laptop and on a phone: they fit, and a row is a line or two."""

import re

import pytest
from django.test import Client
from playwright.sync_api import expect

from adminsite.formatting import changelist_url
from adminsite.models import SavedView
from contacts.models import Contact
from tests.admin.history import SHOWN_MODELS, make_history
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.factories import make_contact

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "A name that is rather long, for a thing that is rather short"
FITS = "(wrapper => wrapper.scrollWidth <= wrapper.clientWidth)"
# The inspector has a page of its own for that.
LISTS = [model for model in SHOWN_MODELS if model._meta.model_name != "rejectedactivity"]


@pytest.fixture
def page(playwright, live_server, admin_user):
    client = Client()
    client.force_login(admin_user)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{**session, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    browser.close()


def fits(page, width):
    """Whether the list, and the page, fit a window that is so wide; and the heights of its rows."""
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(100)
    heights = page.eval_on_selector_all(
        "#result_list .data-row", "rows => rows.map(row => row.getBoundingClientRect().height)"
    )
    wrapper_fits = page.eval_on_selector("#result_list", f"list => {FITS}(list.parentElement)")
    window_fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return wrapper_fits and window_fits, max(heights)


def width_of(page):
    return page.eval_on_selector("#result_list", "list => list.parentElement.scrollWidth")


def test_lists_fit_a_laptop_and_on_a_phone_a_row_is_two_lines(page):
    make_history(LONG)
    wide, tall = [], []

    for model in LISTS:
        page.goto(changelist_url(model))
        for width in (1440, 390):
            fitting, height = fits(page, width)
            if not fitting:
                wide.append((model.__name__, width, width_of(page)))
        if height > 72:
            tall.append((model.__name__, height))

    assert (wide, tall) == ([], [])


def test_a_filter_is_taken_away_and_a_view_saved_by_keyboard(page):
    make_contact(first_name="Ada", country="AUT", email="ada@example.com")
    page.goto(changelist_url(Contact, "country=AUT&known=email"))

    page.get_by_role("link", name="Remove the filter “with an email”").press("Enter")
    expect(page).to_have_url(re.compile(r"\?country=AUT$"))
    page.get_by_text("Save as a view").press("Enter")
    page.get_by_label("Name", exact=True).fill("Alps")
    page.get_by_label("Name", exact=True).press("Enter")

    tab = page.get_by_role("navigation", name="Saved views").get_by_role("link", name="Alps")
    expect(tab).to_have_attribute("aria-current", "page")
    assert SavedView.objects.get().query == "country=AUT"
