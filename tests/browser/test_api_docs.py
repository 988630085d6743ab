"""The page of the APIs in a browser: one place for keys, try-outs, both themes, no barriers."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.pages import MAIN
from tests.factories import make_key

pytestmark = pytest.mark.django_db(transaction=True)

DOCS = f"https://{MAIN}/api/docs/"


@pytest.fixture
def docs(sites, open_browser):
    """The page, in the browser of a reader who is not logged in."""
    page = open_browser().new_page()
    page.goto(DOCS)
    return page


def answer_of(page, operation):
    page.locator(f"#{operation} > details > summary").click()
    page.locator(f"#{operation} form button").click()
    answer = page.locator(f"#{operation} [data-answer]")
    answer.wait_for()
    return answer.inner_text()


def test_one_key_is_used_by_all_try_outs_and_fills_the_examples(docs):
    key, text = make_key()
    docs.get_by_label("API key").fill(text)
    docs.get_by_label("Channel identifier").fill(str(key.channel.guid))

    answer = answer_of(docs, "createContact")
    assert "200" in answer
    assert text not in answer
    docs.get_by_label("GUID of a contact").fill(answer.split('"contact": "')[1][:36])
    assert "207" in answer_of(docs, "logActivities")
    assert '"status": 202' in docs.locator("#logActivities [data-text]").inner_text()


def test_what_was_entered_stays_in_the_tab(docs):
    docs.get_by_label("API key").fill("tl_a_b")
    docs.reload()

    assert docs.get_by_label("API key").input_value() == "tl_a_b"
    assert docs.evaluate("JSON.stringify(localStorage)") == "{}"
    assert docs.evaluate("document.cookie") == ""
    other = docs.context.new_page()
    other.goto(DOCS)
    assert other.get_by_label("API key").input_value() == ""

    docs.get_by_text("Forget them").click()
    docs.reload()
    assert docs.get_by_label("API key").input_value() == ""


def test_a_key_that_is_missing_is_asked_for(docs):
    assert "401" in answer_of(docs, "createContact")
    assert docs.locator("#createContact [data-hint]").is_visible()


def test_what_a_reader_typed_over_an_example_stays(docs):
    docs.locator("#startRun > details > summary").click()
    docs.get_by_label("code_name (required)").first.fill("mine")
    docs.get_by_label("GUID of a contact").fill("abc")

    assert docs.get_by_label("code_name (required)").first.input_value() == "mine"
    assert '"contact": "abc"' in docs.locator("#startRun textarea").input_value()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_on_the_page_is_a_barrier_in_either_theme(docs, theme):
    docs.emulate_media(color_scheme=theme)
    docs.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")

    found = Axe().run(docs).response["violations"]

    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_the_page_fits_a_phone(docs):
    docs.set_viewport_size({"width": 390, "height": 800})

    assert docs.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_theme_is_switched_by_its_button(docs):
    docs.emulate_media(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    before = docs.evaluate(ground)

    docs.get_by_text("Dark or light").click()

    assert docs.evaluate(ground) != before
