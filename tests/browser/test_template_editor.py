"""A marketer writes an email in a real browser, by keyboard and by clicking."""

import json

import pytest

from automations.models import Template
from tests.browser.pages import MAIN
from tests.browser.waiting import wait_for
from tests.factories import make_activity, make_activity_type, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

ADD_URL = f"https://{MAIN}/admin/automations/template/add/"
FILE = "file download request"
URL = "https://www.example.com/downloads/file.pdf"


@pytest.fixture
def page(admin_page):
    """The form for a new template, in the browser of a superuser."""
    files = make_activity_type(FILE, name="File download request", door="activecampaign")
    make_activity(make_contact(first_name="Nina"), type=files, value=URL)
    admin_page.goto(ADD_URL)
    return admin_page


def blocks_in(page):
    return json.loads(page.locator("[name=blocks]").input_value())


def press(page, name):
    """Press the button with this name by keyboard."""
    button = page.get_by_role("button", name=name, exact=True).last
    button.focus()
    page.keyboard.press("Enter")


def test_an_email_with_the_link_of_an_event_is_written_by_keyboard(page):
    page.locator("[name=name]").focus()
    page.keyboard.type("Brochure")
    page.locator("[name=consent]").focus()
    page.keyboard.type("Transactional")
    page.locator("[name=subject]").focus()
    page.keyboard.type("Your file")

    press(page, "Heading")
    page.wait_for_selector("[data-part=text]:focus")
    page.keyboard.type('Hello {{ contact.first_name | default: "there" }}')
    press(page, "Text")
    page.wait_for_selector("[contenteditable]:focus")
    page.keyboard.type("It is ready. Take it: ")
    page.get_by_label("Insert into the text").select_option(label="Event: File download request")
    press(page, "Insert")
    press(page, "Button")
    page.wait_for_selector("[data-part=label]:focus")
    page.keyboard.type("Download")
    page.keyboard.press("Tab")
    press(page, "Insert")
    wait_for(page, "document.querySelector('[data-subject]').textContent")
    press(page, "Move up: Text, 2 of 3")
    page.wait_for_selector("[data-tool=down]:focus")
    press(page, "Undo")

    place = f"%EVENT: {FILE}%"
    assert blocks_in(page) == [
        {"type": "heading", "text": 'Hello {{ contact.first_name | default: "there" }}'},
        {"type": "text", "html": f"It is ready. Take it: {place}"},
        {"type": "button", "label": "Download", "url": place},
    ]

    page.locator("[data-contact-search]").focus()
    page.keyboard.type("Nina")
    press(page, "Nina")
    email = page.frame_locator("[data-preview]")
    email.get_by_text("Hello Nina").wait_for()
    assert email.get_by_role("link", name="Download").get_attribute("href") == URL
    press(page, "Plain text")
    assert page.locator("[data-plain]").text_content().endswith(f"Download: {URL}\n")

    press(page, "Save")
    page.wait_for_url("**/change/**")
    template = Template.objects.get()
    assert (template.code_name, template.subject) == ("brochure", "Your file")
    assert [block["type"] for block in template.blocks] == ["heading", "text", "button"]


def test_what_is_wrong_stands_at_its_block(page):
    page.fill("[name=subject]", "Your file")
    page.get_by_role("button", name="Button", exact=True).click()
    card = page.get_by_role("group", name="Button, 1 of 1")
    card.get_by_label("Label").fill("Download")
    card.get_by_label("Address").fill("javascript:alert(1)")

    card.get_by_role("alert").get_by_text("url: “javascript:alert(1)” is no address").wait_for()
    card.get_by_label("Address").fill("https://www.example.com/")
    page.frame_locator("[data-preview]").get_by_role("link", name="Download").wait_for()
    assert card.get_by_role("alert").is_hidden()


def test_columns_have_blocks_of_their_own_and_nothing_in_a_text_runs(page):
    page.get_by_role("button", name="Columns", exact=True).click()
    column = page.get_by_role("group", name="Column 2 of 2")
    column.get_by_label("Kind of block").select_option("text")
    column.get_by_role("button", name="Add", exact=True).click()
    column.get_by_role("button", name="HTML").click()
    html = '<p x-init="window.evil = 1">a<img src=x onerror="window.evil = 1"></p>'
    column.get_by_label("HTML of").fill(html)
    column.get_by_role("button", name="HTML").click()

    column.get_by_role("textbox").get_by_text("a").wait_for()
    assert blocks_in(page) == [
        {"type": "columns", "columns": [[], [{"type": "text", "html": "<p>a</p>"}]]}
    ]
    assert page.evaluate("window.evil") is None


@pytest.mark.parametrize("width", [390, 1440])
def test_the_form_fits_into_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    for name in ("Heading", "Text", "Image", "Columns", "Footer"):
        page.get_by_role("button", name=name, exact=True).click()
    page.fill("[name=subject]", "Your file")

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_preview_for_a_contact_without_a_value_shows_the_reason_alone(page):
    make_contact(first_name="Emil")
    page.fill("[name=subject]", "Your file %EVENT: file download request%")
    lines = page.locator("[data-lines]")
    lines.get_by_text("Your file https://").wait_for()

    page.fill("[data-contact-search]", "Emil")
    page.get_by_role("button", name="Emil").click()

    page.get_by_text("This contact would get no email: ").wait_for()
    lines.wait_for(state="hidden")
    assert page.locator("[data-preview]").is_hidden()
    page.get_by_role("button", name="Show a sample").click()
    lines.get_by_text("Your file https://").wait_for()
