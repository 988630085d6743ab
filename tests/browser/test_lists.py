"""Lists of the admin on a laptop and on a phone: they fit, and a row is a line or two."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from activities.models import Activity, ContactSeen, RejectedActivity
from adminsite.formatting import changelist_url
from adminsite.models import SavedView
from channels.keys import rotate_api_key
from channels.models import ApiKey
from contacts.models import Contact
from tests.admin.history import SHOWN_MODELS, make_history, make_rejected
from tests.browser.conftest import ARGUMENTS, CHROMIUM, MILLISECONDS
from tests.factories import make_activity, make_channel, make_contact, make_key

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "A name that is rather long, for a thing that is rather short"
# What has to be seen of each row on a phone, by the list.
KEYS = {
    "AccessFile": "shown_status",
    "Activity": "shown_title_start",
    "ActivityType": "enabled",
    "ApiKey": "shown_state",
    "AuditEntry": "shown_name",
    "Automation": "shown_state",
    "Broadcast": "shown_state_of",
    "BulkAction": "shown_status",
    "Certificate": "shown_state",
    "Channel": "shown_key_count",
    "Chore": "shown_state",
    "Consent": "shown_people_who_agree_now",
    "ConsentAgreement": "shown_agreed",
    "ConsentCategory": "shown_consent",
    "ConsentText": "version",
    "Contact": "shown_last_seen",
    "ContactGroup": "shown_size",
    "ContactMerge": "shown_status",
    "Correction": "shown_get_action_display",
    "Delivery": "shown_status",
    "Destination": "shown_state_since",
    "DictionaryEntry": "shown_name_of",
    "Email": "shown_status",
    "Export": "shown_status",
    "Group": "__str__",
    "Import": "shown_status",
    "KeptAgreement": "shown_agreed",
    "MappedName": "shown_type",
    "OutboxMessage": "shown_subject",
    "PersonRequest": "shown_status",
    "ReaderState": "shown_state",
    "RejectedActivity": "shown_status_and_replay",
    "Replay": "shown_status",
    "RetentionRule": "shown_state",
    "RetentionRun": "shown_status",
    "Run": "shown_status",
    "Suppression": "shown_reason",
    "Tag": "shown_contacts_with_it",
    "Template": "shown_sent",
    "TrackedSite": "shown_state",
    "User": "shown_roles_text",
    "UserProperty": "contact_field",
    "UserSession": "shown_browser",
}
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
    page.set_default_timeout(MILLISECONDS)
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


def is_seen(page, column):
    """Whether the first row shows what it has in `column`: whole, or the beginning of a text."""
    return page.eval_on_selector(
        f"#result_list .data-row .field-{column}",
        """cell => {
            const row = cell.closest("tr").getBoundingClientRect();
            const range = document.createRange();
            range.selectNodeContents(cell);
            const { left, top, bottom, width } = range.getBoundingClientRect();
            const shown = Math.min(cell.getBoundingClientRect().right, row.right) - left;
            const isInside = left >= row.left && top >= row.top && bottom <= row.bottom;
            return isInside && width > 0 && shown >= Math.min(width, 140);
        }""",
    )


def width(element):
    return element.bounding_box()["width"]


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


def test_on_phones_a_list_shows_what_matters_of_each_row(page):
    make_history(LONG)
    now = timezone.now()
    ContactSeen.objects.bulk_create(
        ContactSeen(contact=contact, first_seen=now, last_seen=now)
        for contact in Contact.objects.filter(seen=None)
    )
    page.set_viewport_size({"width": 390, "height": 844})

    hidden = []
    for model in SHOWN_MODELS:
        page.goto(changelist_url(model))
        if not is_seen(page, KEYS[model.__name__]):
            hidden.append(model.__name__)

    assert hidden == []


def test_on_phones_guids_are_short_and_times_say_what_of(page, admin_user):
    contact = make_contact(company_name="Acme")
    activity = make_activity(contact, title="Loans")
    at = activity.occurred_at
    ContactSeen.objects.create(contact=contact, first_seen=at, last_seen=at)
    page.set_viewport_size({"width": 390, "height": 844})
    row = page.locator("#result_list .data-row").first

    page.goto(changelist_url(Contact))
    expect(row.locator(".field-shown_last_seen")).to_contain_text(re.compile(r"Last activity\s+\d"))
    expect(row.locator(".field-shown_created_at")).to_contain_text(re.compile(r"Created\s+\d"))
    assert width(row.locator(".field-shown_created_at .tl-label")) > 0
    admin_user.is_superuser = False
    admin_user.save()
    admin_user.groups.add(Group.objects.get(name="Developer"))
    page.goto(changelist_url(Activity))
    assert 30 < width(row.locator("code", has_text=str(contact.guid))) < 90
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.locator(".tl-label:visible")).to_have_count(0)


def test_on_phones_a_long_name_is_cut_at_its_end(page):
    make_contact(first_name="Hubert Blaine", last_name="Wolfeschlegelsteinhausenbergerdorff")
    page.set_viewport_size({"width": 390, "height": 844})

    page.goto(changelist_url(Contact))

    # Of a block that does not fit, a browser shows the dots alone.
    expect(page.locator("#result_list th .tl-short")).to_have_css("display", "inline")


def test_keys_and_lines_of_the_inspector_fit_with_all_that_they_may_say(page):
    key, _ = make_key(make_channel(name=LONG), name=LONG)
    rotate_api_key(key, name=LONG, ends_at=timezone.now() + timedelta(days=1))
    ApiKey.objects.update(
        last_used_at=timezone.now(),
        last_used_address="2001:0db8:85a3:1234:5678:8a2e:0370:7334",
        last_used_origin="https://www.a-rather-long-name-of-a-shop.example.com",
        expires_at=timezone.now() + timedelta(days=1),
    )
    make_rejected(
        LONG,
        code="unspecified_property",
        field="properties.loanAmountInTheCurrency",
        contact_guid=str(uuid4()),
        test_code="release-2026-11-30",
        channel=key.channel,
        status="invalid_rejected",
        replayed="failed",
    )
    for model in (ApiKey, RejectedActivity):
        page.goto(changelist_url(model))
        fitting, _ = fits(page, 1440)
        assert fitting, (model.__name__, width_of(page))


def test_on_phones_the_head_of_a_list_has_no_scrollbar(page):
    make_history(LONG)
    page.set_viewport_size({"width": 390, "height": 844})
    for model in (Contact, Activity, ApiKey):
        page.goto(changelist_url(model))
        head = page.locator("#result_list thead tr")
        assert head.evaluate("row => row.scrollWidth <= row.clientWidth")
        assert head.evaluate("row => getComputedStyle(row).overflowX") == "visible"


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


def test_filters_are_opened_and_closed_by_keyboard(page):
    make_contact(first_name="Ada")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(changelist_url(Contact))
    button = page.get_by_role("button", name="Filters", exact=True)
    panel = page.locator("#changelist-filter")

    button.press("Enter")
    expect(panel).to_be_visible()
    expect(panel.locator(":focus")).to_have_count(1)
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")

    expect(panel).to_be_hidden()
    expect(button).to_be_focused()


def test_on_a_wide_window_filters_stand_beside_the_list(page):
    make_contact(first_name="Ada", email="ada@example.com", company_name=LONG)
    page.goto(changelist_url(Contact))

    fitting, _ = fits(page, 1920)
    panel = page.locator("#changelist-filter > :last-child").bounding_box()
    listed = page.locator("#result_list").bounding_box()

    assert fitting
    assert listed["x"] + listed["width"] <= panel["x"]
    assert panel["x"] + panel["width"] <= 1920
    expect(page.get_by_role("button", name="Filters", exact=True)).to_be_hidden()
    page.get_by_label("On a page whose URL contains").fill("/loans")
    page.get_by_role("button", name="Apply Filters").click()
    expect(page).to_have_url(re.compile(r"url=%2Floans"))


def test_the_menu_of_the_user_is_reached_by_keyboard(page):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/admin/")
    button = page.get_by_role("button", name=re.compile("Times in"))
    menu = page.get_by_role("navigation", name="Account")

    button.press("Enter")
    expect(menu.get_by_role("link", name="Sessions")).to_be_visible()
    dark = menu.get_by_role("button", name="Dark")
    dark.focus()
    dark.press("Enter")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.keyboard.press("Escape")

    expect(menu).to_be_hidden()
    expect(button).to_be_focused()


def test_screen_readers_hear_no_names_of_icons(page):
    make_history()
    for address in ("/admin/", changelist_url(Contact), changelist_url(ApiKey)):
        page.goto(address)
        page.evaluate("new Promise((done) => setTimeout(done))")  # behind what was to come by then
        heard = page.eval_on_selector_all(
            ".material-symbols-outlined",
            "all => all.filter(one => !one.closest('[aria-hidden=true], [aria-label]'))"
            ".map(one => one.parentElement.outerHTML.slice(0, 200))",
        )

        assert heard == []
