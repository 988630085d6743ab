"""The data-protection officer takes a request for erasure to its certificate, on a phone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import expect

from config.logins.making import make_user
from consents.agreements import record_agreement
from consents.models import Consent
from contacts.models import Contact
from privacy.models import Certificate, PersonRequest
from tests.browser.pages import MAIN
from tests.browser.test_accessibility import ALL, CONTRAST
from tests.factories import make_activity, make_contact
from tests.privacy.asked import ask, ask_and_check

pytestmark = pytest.mark.django_db(transaction=True)

ADMIN = f"https://{MAIN}/admin"


@pytest.fixture
def page(open_admin):
    """A phone on which an officer is logged in."""
    make_user("dpo", role="dpo", password="a long password", email="dpo@example.com")
    page = open_admin(User.objects.get(username="dpo"))
    page.set_viewport_size({"width": 390, "height": 844})
    return page


def check(page, rules=ALL):
    """The page fits the phone, and axe finds nothing on it."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []


def test_an_erasure_from_its_receipt_to_a_certificate(page, worker):
    ann = make_contact(email="ann@example.com", first_name="Ann", last_name="Berg")
    make_contact(first_name="Ann", last_name="Other")
    make_activity(ann)

    page.goto(f"{ADMIN}/privacy/personrequest/")
    page.get_by_role("link", name="Add a request").first.click()
    page.get_by_label("Erasure: forget me").check()
    page.get_by_label("Who?").press_sequentially("berg")
    found = page.get_by_role("radio", name="Ann Berg")
    expect(found).to_be_visible()
    check(page)
    found.focus()
    page.keyboard.press("Space")
    page.get_by_label("How did it come?").select_option("letter")
    page.get_by_role("button", name="Add the request").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Erasure: Ann Berg")).to_be_visible()
    expect(page.get_by_text("days left")).to_be_visible()
    check(page)
    page.get_by_label("How was it checked?").select_option("account")
    page.get_by_role("button", name="The identity is checked").press("Enter")

    page.get_by_role("link", name="See what goes").press("Enter")
    expect(page.get_by_role("row", name="Activities 1")).to_be_visible()
    check(page)
    page.get_by_label("Why?").select_option("consent")
    typed = page.get_by_label("Type “ann@example.com” to confirm")
    typed.press_sequentially("ann@example.org")
    typed.press("Enter")
    expect(page.get_by_text("This is not “ann@example.com”")).to_be_visible()
    typed.fill("ann@example.com")
    typed.press("Enter")

    certificate = page.get_by_role("link", name=re.compile("^Certificate [0-9]+$"))
    expect(certificate).to_be_visible()
    assert "Ann" not in page.inner_text("#content")
    assert not Contact.objects.filter(pk=ann.pk).exists()
    check(page)
    certificate.click()
    page.wait_for_url(re.compile("/admin/privacy/certificate/"))
    number = Certificate.objects.get().number
    assert PersonRequest.objects.get().certificate_number == number
    expect(page.get_by_text("Article 17(1)(b)")).to_be_visible()


def test_the_desk_fits_a_phone_and_can_be_read_in_the_dark(page, worker):
    officer = User.objects.get(username="dpo")
    ann = make_contact(email="ann@example.com", first_name="Ann", last_name="Berg")
    consent = Consent.objects.get()
    record_agreement(ann, consent, agreed=True, language="en")
    late = ask("access", ann, days=40, notes="Wrote a long letter about everything.")
    unknown = ask("erasure", email="a.very.long.name.of.somebody@a-very-long-domain.example.com")
    erasure = ask_and_check("erasure", ann, by=officer)
    objection = ask("objection", ann, days=25)
    pages = {
        f"{request.pk}/change/": request.get_kind_display()
        for request in (late, unknown, objection)
    }
    pages |= {"": "Ann Berg", "add/": "What do they ask for?", f"{erasure.pk}/erase/": "Confirm"}

    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        for path, text in pages.items():
            page.goto(f"{ADMIN}/privacy/personrequest/{path}")
            expect(page.locator("#content").get_by_text(text).first).to_be_visible()
            # The head of a list on a phone cannot be scrolled by the keyboard, as in all lists.
            check(page, ALL if path and scheme == "light" else CONTRAST)
    page.goto(f"{ADMIN}/privacy/personrequest/{objection.pk}/change/")
    expect(page.get_by_label(consent.name)).to_be_checked()
    page.get_by_role("button", name="Stop it all").press("Enter")
    expect(page.get_by_text("Done: the objection is respected.")).to_be_visible()
    page.goto(f"{ADMIN}/contacts/contact/{ann.pk}/change/#requests")
    expect(page.get_by_role("link", name="New request")).to_be_visible()
