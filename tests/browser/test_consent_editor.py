"""A marketer writes the text of a consent in a real browser; what is only opened stays as it is."""

import re

import pytest
from playwright.sync_api import expect

from adminsite.formatting import change_url
from consents.agreements import record_agreement
from consents.models import Consent, ConsentText
from tests.browser.pages import MAIN
from tests.browser.waiting import wait_for, wait_until_drawn
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

# Each as it is stored, and whether the rich editor holds it.
TEXTS = {
    "en": ("<p>May we write?</p>", True),
    "de": (
        "<p>Dürfen wir schreiben?</p><p>Gern <strong>oft</strong> &amp; <em>lang</em>.</p>",
        True,
    ),
    "fr": ("<p>Oui ?<br>Ou non ?</p>\n<ul><li>un</li><li>deux</li></ul>", True),
    "da": ("<p>Ja&nbsp;tak</p>", False),
    "fi": ("Kyllä", False),
    "it": ("<h2>Privacy</h2><p>Leggi.</p>", True),
    "es": (
        '<p><a href="https://example.com/" rel="noopener noreferrer">Leer</a></p>',
        True,
    ),
    "nl": (
        '<p><a href="https://example.com/" target="_blank" rel="noopener noreferrer">Lees</a></p>',
        False,
    ),
    "pl": ("<table><tbody><tr><td>Tak</td><td>Nie</td></tr></tbody></table>", False),
    "pt": ("<p>Sim, <b>claro</b>, <sub>2</sub></p>", False),
    "sv": ("  <p>Ja\n  tack</p>\n", True),
    # What known holes of the editor need; cleaning takes it away.
    "cs": (
        """<p><span data-trix-attachment="{}" data-trix-attributes='{"href":"javascript:ran=1"}'>"""
        "Ano</span></p>",
        False,
    ),
    "hu": ('<p><a href="java\tscript:ran=1">Igen</a></p>', False),
    "ro": ('<p><a href="/privacy">Da</a></p>', True),
}
# Notes what the editor is given to read.
NOTE_LOADED = """
    window.loaded = [];
    document.addEventListener("trix-initialize", (event) => {
        const { editor } = event.target;
        const load = editor.loadHTML.bind(editor);
        editor.loadHTML = (html) => { window.loaded.push(html); load(html); };
    }, true);
"""


@pytest.fixture
def page(admin_page):
    """The browser of a superuser."""
    return admin_page


@pytest.fixture
def consent():
    consent = make_consent("newsletter", texts={"en": "<p>x</p>"})
    consent.texts.all().delete()
    for language, (html, _) in TEXTS.items():
        # Past the cleaning: as a version of the hub with other rules may have left it.
        ConsentText.objects.create(
            consent=consent, language=language, short_text=html, full_text=html
        )
    return consent


def open_page(page, consent):
    page.goto(f"https://{MAIN}{change_url(consent)}")
    # Before each text stands its editor, or why it has none; it is hidden while it is not decided.
    page.wait_for_function(
        "[...document.querySelectorAll('textarea[data-rich]:not([name*=__prefix__])')]"
        ".every(one => one.dataset.attached && !one.previousElementSibling.hidden)"
    )


def save(page):
    with page.expect_navigation():
        page.locator("[name=_continue], [name=_save]").first.click()


def area_of(page, language, field="short_text"):
    """The textarea of the current text in a language."""
    numbers = sorted(TEXTS)
    return page.locator(f"[name=texts-{numbers.index(language)}-{field}]")


def test_opening_and_saving_changes_no_byte_and_makes_no_version(page, consent):
    before = list(ConsentText.objects.order_by("pk").values())
    open_page(page, consent)

    shown = {language: area_of(page, language).evaluate("one => one.hidden") for language in TEXTS}
    save(page)

    assert shown == {language: is_held for language, (_, is_held) in TEXTS.items()}
    assert list(ConsentText.objects.order_by("pk").values()) == before


def test_the_editor_is_given_no_text_that_its_known_holes_need(page, consent):
    page.add_init_script(NOTE_LOADED)
    open_page(page, consent)

    loaded = "".join(page.evaluate("window.loaded"))

    assert "May we write?" in loaded
    assert "data-trix" not in loaded
    assert "script:" not in loaded


def test_a_text_is_written_with_what_is_new_and_who_agreed_before_it_is_saved(page, consent):
    text = ConsentText.objects.get(language="de")
    for _ in range(2):
        record_agreement(make_contact(), consent, agreed=True, language="de")
    open_page(page, consent)

    editor = page.locator("trix-editor", has_text="Dürfen wir schreiben?").first
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" Wirklich?")
    told = page.locator("[data-changes]", has_text="This makes version 2")
    told.wait_for()

    words = told.inner_text()
    assert "This makes version 2 of the text in German; 2 people agreed to earlier ones" in words
    assert "who still count." in words
    assert told.locator("ins", has_text="Wirklich?").count() == 1
    save(page)
    newest = ConsentText.objects.get(language="de", superseded_at=None)
    assert (newest.version, newest.full_text) == (2, text.full_text)
    assert newest.short_text == text.short_text.replace("</em>.", "</em>. Wirklich?")
    assert ConsentText.objects.filter(superseded_at=None).exclude(version=1).count() == 1


def test_what_is_undone_changes_nothing(page, consent):
    before = ConsentText.objects.count()
    open_page(page, consent)

    page.locator("trix-editor", has_text="May we write?").first.click()
    page.keyboard.type("x")
    page.keyboard.press("Backspace")
    save(page)

    assert ConsentText.objects.count() == before


def test_what_is_pasted_brings_nothing_that_runs(page, consent):
    open_page(page, consent)
    page.locator("trix-editor", has_text="May we write?").first.click()
    page.keyboard.press("Control+a")

    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData("text/html", `<p onclick="alert(1)">Fine <b>bold</b>
                <img src=x onerror="window.ran = 1"><script>window.ran = 1</script>
                <a href="javascript:window.ran=1">bad</a> <a href="https://example.com/">good</a>
                <span data-trix-attachment="{}"
                    data-trix-attributes='{"href":"javascript:window.ran=1"}'>odd</span>
                <div data-trix-attachment='{"contentType":"text/html","content":
                    "<img src=x onerror=window.ran=1>"}'></div></p>`);
            const options = { clipboardData: data, bubbles: true, cancelable: true };
            document.activeElement.dispatchEvent(new ClipboardEvent("paste", options));
        }"""
    )
    expect(area_of(page, "en")).to_have_value(re.compile("<strong>bold</strong>"))
    page.wait_for_timeout(500)
    html = area_of(page, "en").input_value()

    assert page.evaluate("window.ran") is None
    page.problems.clear()  # the policy tells of each attribute that it has kept from running
    assert 'href="https://example.com/"' in html
    for word in ("onclick", "onerror", "javascript", "<img", "<script", "data-trix"):
        assert word not in html


def test_a_new_text_is_written_by_keyboard(page):
    page.goto(f"https://{MAIN}/admin/consents/consent/add/")
    page.locator("[name=name]").fill("Ads")
    page.locator("[name=texts-0-language]").select_option("pt-BR")
    page.locator("[name=default_language]").select_option("pt-BR")
    page.locator("trix-editor").first.focus()
    page.keyboard.type("Podemos?")
    page.keyboard.press("Enter")
    # Trix draws a line with the next frame, and forgets what was pressed before: nobody is so fast.
    wait_for(page, "document.querySelector('trix-editor br + br')")
    wait_until_drawn(page)
    page.keyboard.press("Control+b")
    expect(page.locator("[data-trix-attribute=bold]").first).to_have_class(
        re.compile("trix-active")
    )
    page.keyboard.type("Sim")

    save(page)

    consent = Consent.objects.get(name="Ads")
    assert consent.default_language == "pt-BR"
    text = consent.texts.get()
    assert (text.language, text.short_text) == (
        "pt-BR",
        "<p>Podemos?<br><strong>Sim</strong></p>",
    )
