"""The page of the demo's CRM: what arrives shows without a reload, and what is open stays open."""

import json

import pytest

from config.demo.crm import keeping
from tests.browser.pages import MAIN

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.demo.urls"),
]


@pytest.fixture
def page(sites, open_browser, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    page = open_browser().new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda said: page.errors.append(said.text) if said.type == "error" else None)
    page.goto(f"https://{MAIN}/demo/crm/")
    return page


def arrive(number, problem=""):
    title = f"Purchase {number}"
    body = json.dumps({"type": "activity", "contact": {"guid": "1"}, "data": {"title": title}})
    headers = {"webhook-id": f"msg_{number}"}
    keeping.keep(f"msg_{number}", contact="1", problem=problem, headers=headers, body=body)


def test_what_arrives_is_shown_and_what_is_open_stays_open(page):
    page.get_by_text("Nothing has arrived yet").wait_for()
    arrive(1)
    page.locator("summary", has_text="Purchase 1").click()
    page.get_by_text('"guid": "1"').wait_for()

    arrive(2, problem="The signature does not hold: Too old.")

    page.get_by_text("Refused: The signature does not hold: Too old.").wait_for()
    assert page.locator("#msg_1").get_attribute("open") is not None
    assert page.locator("#msg_2").get_attribute("open") is None
    assert page.evaluate("document.activeElement.closest('details')?.id") == "msg_1"
    assert page.errors == []


def test_crm_answers_as_its_page_says(page):
    page.get_by_label("How does the CRM answer?").select_option("503")
    page.get_by_role("button", name="Answer like that").click()
    page.wait_for_load_state()

    assert keeping.answer() == 503
    assert page.get_by_label("How does the CRM answer?").input_value() == "503"


def test_secret_is_pasted_and_not_shown_again(page):
    page.get_by_label("The new secret").fill("whsec_c2VjcmV0")
    page.get_by_role("button", name="Check by this one").click()
    page.wait_for_load_state()

    assert keeping.secret() == "whsec_c2VjcmV0"
    assert "c2VjcmV0" not in page.content()


def test_page_fits_a_phone(page):
    arrive("with-a-name-that-has-no-space-in-it-and-is-longer-than-a-phone-is-wide")
    page.set_viewport_size({"width": 390, "height": 800})
    page.locator(".messages summary").click()

    assert page.evaluate("document.documentElement.scrollWidth") == 390
