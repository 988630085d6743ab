"""A developer adds a webhook in a real browser, and sees what it answers."""

import json

import pytest
from playwright.sync_api import expect

from destinations.models import Delivery, Destination
from destinations.saving import save_destination
from tests.browser.pages import MAIN
from tests.destinations.raw_servers import raw_server
from tests.factories import make_activity_type, make_consent, make_group, make_rule

pytestmark = pytest.mark.django_db(transaction=True)

ADD_URL = f"https://{MAIN}/admin/destinations/destination/add/"


@pytest.fixture
def page(admin_page, settings):
    """A page in the browser of a superuser of a hub whose destinations may be on this machine."""
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    make_rule(make_activity_type("purchase", name="Purchase"), "amount", kind="number")
    make_group("vip", name="VIP")
    make_consent("Marketing", name="Marketing")
    return admin_page


def choose(page, label, name):
    box = page.get_by_label(f"{label}: type or choose, then press Enter")
    box.fill(name)
    box.press("Enter")


def test_a_webhook_is_added_by_keyboard_and_clicks_and_tested(page):
    with raw_server() as server:
        page.goto(ADD_URL)
        page.fill("[name=name]", "CRM")
        page.get_by_label("Address").fill(server.url)
        page.get_by_role("button", name="Add header").click()
        expect(page.get_by_label("Name of header 1")).to_be_focused()
        page.keyboard.type("Authorization")
        page.get_by_label("Value of header 1").fill("Bearer s3cret")
        choose(page, "Activities of these types", "Purchase")
        choose(page, "Activities of these types", "lead")
        page.get_by_text("not seen yet").wait_for()
        choose(page, "Who enters or leaves these groups", "vip")
        page.locator("[data-example]", has_text='"amount": 19.9').wait_for()

        page.get_by_role("radio", name="Fields of your own").click()
        expect(page.get_by_label("Name of field 1 in the body")).to_be_focused()
        page.keyboard.type("mail")
        page.get_by_label("What field 1 is filled with").fill("contact.email")
        page.get_by_role("button", name="Add field").click()
        page.get_by_label("Name of field 2 in the body").fill("total")
        page.get_by_label("What field 2 is filled with").fill("data.properties.amount")
        page.locator("[data-example]", has_text='"total": 19.9').wait_for()
        page.get_by_role("button", name="Save", exact=True).click()

        secret = page.locator("#secret-text").inner_text()
        destination = Destination.objects.get()
        assert destination.secret in secret
        assert destination.headers == {"Authorization": "Bearer s3cret"}
        assert (destination.activities, destination.groups) == (["purchase", "lead"], ["vip"])
        assert destination.mapping == [
            {"to": "mail", "from": "contact.email"},
            {"to": "total", "from": "data.properties.amount"},
        ]

        page.get_by_role("link", name="I have copied the secret").click()
        page.get_by_role("button", name="Send a test").click()
        page.get_by_text("The test arrived").wait_for()

    assert page.get_by_text("Answer 200 after").is_visible()
    assert "Bearer s3cret" in server.heads[0]
    assert json.loads(server.bodies[0])["mail"].endswith("@example.com")
    assert Delivery.objects.get().status == "delivered"


def test_the_kind_decides_what_the_form_asks(page):
    page.goto(ADD_URL)
    for kind, shown, hidden in (
        ("ga4", ["Measurement ID", "API secret"], ["Headers", "Write key"]),
        ("segment", ["Write key", "Address"], ["Measurement ID"]),
        ("file", ["Folder"], ["Address", "Write key"]),
        ("webhook", ["Address", "Headers"], ["Folder", "Measurement ID"]),
    ):
        page.get_by_label("Kind").select_option(kind)
        for text in shown:
            expect(page.get_by_text(text, exact=True).first).to_be_visible()
        for text in hidden:
            expect(page.get_by_text(text, exact=True).filter(visible=True)).to_have_count(0)


def test_a_destination_is_changed_without_what_is_hidden(page):
    destination = Destination(
        name="CRM", code_name="crm", url="https://crm.example.com/", fields=["city"]
    )
    destination.headers = {"Authorization": "Bearer s3cret"}
    save_destination(destination)
    page.goto(f"https://{MAIN}/admin/destinations/destination/{destination.pk}/change/")

    page.get_by_role("button", name="Remove City").click()
    choose(page, "Which fields", "first name")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("was changed successfully").wait_for()

    destination.refresh_from_db()
    assert destination.fields == ["first_name"]
    assert destination.headers == {"Authorization": "Bearer s3cret"}


def test_the_form_fits_a_phone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(ADD_URL)
    page.get_by_role("radio", name="Fields of your own").click()

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
