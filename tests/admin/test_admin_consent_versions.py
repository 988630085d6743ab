"""Versions of consent texts: what is different, what a new one means, and who agreed to which."""

import re

import pytest
from django.urls import reverse

from adminsite.formatting import change_url, changelist_url
from consents.admin.differences import differences, given_or_kept
from consents.agreements import record_agreement
from consents.models import Consent, ConsentText
from consents.texts import save_text
from contacts.models import Contact
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db


def ask(client, text, **given):
    fields = {"short_text": text.short_text, "full_text": text.full_text, **given}
    return client.post(reverse("admin:consents_consent_changes"), {"text": text.pk, **fields})


@pytest.fixture
def consent():
    return make_consent(texts={"en": "<p>May we write?</p>", "de": "<p>Dürfen wir?</p>"})


def agree(consent, number=1, language="en"):
    contacts = [make_contact() for _ in range(number)]
    for contact in contacts:
        record_agreement(contact, consent, agreed=True, language=language)
    return contacts


def test_a_changed_text_says_what_is_new_and_who_agreed_before(admin_client, consent):
    agree(consent, 3)
    agree(consent, 1, language="de")
    save_text(consent, language="en", short_text="<p>May we write to you?</p>")
    agree(consent, 1)
    text = consent.texts.get(language="en", superseded_at=None)

    told = ask(admin_client, text, short_text="<p>May we call you?</p>").text

    assert "This makes version 3 of the text in English; 4 people agreed to earlier ones" in told
    assert "who still count." in told
    assert '<del class="text-red-700 dark:text-red-400">write to</del>' in told
    assert '<ins class="font-medium text-green-700 dark:text-green-400">call</ins>' in told


@pytest.mark.parametrize(
    ("number", "counts", "words"),
    [
        (0, True, "; nobody has agreed to an earlier one."),
        (1, True, "; 1 person agreed to earlier ones, who still count."),
        (2, False, "; 2 people agreed to earlier ones, who then count no more:"),
    ],
)
def test_it_says_what_becomes_of_those_who_agreed(admin_client, consent, number, counts, words):
    Consent.objects.update(older_versions_count=counts)
    agree(consent, number)

    told = ask(admin_client, consent.texts.get(language="en"), full_text="<p>More</p>").text

    assert words in told
    assert "Full text" in told
    assert "Short text" not in told


@pytest.mark.parametrize("given", ["<p>May we write?</p>", " <p>May we write?</p>\r\n"])
def test_what_is_as_it_was_says_nothing(admin_client, consent, given):
    assert ask(admin_client, consent.texts.get(language="en"), short_text=given).text == ""


@pytest.mark.parametrize("key", ["", "x", "0", "9" * 30])
def test_a_text_that_is_not_there_has_no_changes(admin_client, key):
    answer = admin_client.post(reverse("admin:consents_consent_changes"), {"text": key})

    assert (answer.status_code, answer.text) == (200, "")


def test_only_who_may_change_consents_asks_what_would_change(log_in, consent):
    assert ask(log_in("view_consent"), consent.texts.first()).status_code == 403


def test_what_runs_is_not_shown_as_a_difference(admin_client, consent):
    text = consent.texts.get(language="en")

    told = ask(admin_client, text, short_text="<p>Hi <script>alert(1)</script><b>x</b></p>").text

    assert "<script" not in told
    assert "&lt;b&gt;x&lt;/b&gt;" in told


@pytest.mark.parametrize("space", ["&nbsp;", "\xa0", "&#160;"])
def test_no_break_space_in_the_place_of_a_space_is_no_difference(space):
    shown = differences("<p>We can write or</p>", f"<p>We can{space}write &amp; call or</p>")

    unmarked = re.sub(' class="[^"]*"', "", shown)
    assert unmarked == "\nWe can write <ins>&amp; call </ins>or\n"


def test_only_kinds_of_spaces_are_said_to_read_the_same(admin_client, consent):
    text = consent.texts.get(language="en")

    told = ask(admin_client, text, short_text="<p>May we&nbsp;write?</p>").text

    assert "This makes version 2" in told
    assert "It reads the same: only kinds of spaces are different." in told
    assert "<ins class" not in told


def test_texts_too_long_to_compare_say_so():
    assert "too long" in differences("<p>a</p>", "word " * 4_000)


def test_the_page_of_a_version_says_what_it_changed_and_who_agrees_to_it(admin_client, consent):
    agree(consent, 2)
    newest = save_text(consent, language="en", short_text="<p>May we call?</p>")
    agree(consent, 1)
    first = consent.texts.get(language="en", version=1)

    page, before = (admin_client.get(change_url(text)).text for text in (newest, first))

    assert ">write?</del>" in page
    assert ">call?</ins>" in page
    assert "Nothing before" in before


def test_the_versions_lead_to_the_people_who_agree_to_them(admin_client, consent):
    early = agree(consent, 2)
    save_text(consent, language="en", short_text="<p>May we call?</p>")
    (late,) = agree(consent, 1)
    record_agreement(early[1], consent, agreed=False)
    first, second = consent.texts.filter(language="en").order_by("version")

    page = admin_client.get(change_url(consent)).text
    links = {
        text.version: f"{changelist_url(Contact)}?consent={consent.code_name}"
        f"&answer=v{text.version}-en"
        for text in (first, second)
    }
    found = {
        version: list(admin_client.get(link).context["cl"].result_list)
        for version, link in links.items()
    }

    assert found == {1: [early[0]], 2: [late]}
    assert f'href="{links[1].replace("&", "&amp;")}">1</a>' in page


@pytest.mark.parametrize(
    ("given", "kept", "result"),
    [
        ("<p>a</p>\r\n<p>b</p>", "<p>a</p>\n<p>b</p>", "<p>a</p>\n<p>b</p>"),
        ("<p>a</p>", "  <p>a</p>\n", "  <p>a</p>\n"),
        ("<p>b</p>", "<p>a</p>", "<p>b</p>"),
    ],
)
def test_what_a_form_sends_back_unchanged_is_kept_as_it_was(given, kept, result):
    assert given_or_kept(given, kept) == result


def test_a_text_that_is_saved_as_it_is_makes_no_version(consent):
    html = "  <p>Not as <b>cleaning</b> has it: <div>x</div></p>\n"
    text = ConsentText.objects.create(consent=consent, language="fr", short_text=html)

    assert save_text(consent, language="fr", short_text=html) == text


def test_languages_come_from_a_list_and_others_stay(admin_client, consent):
    save_text(consent, language="gsw-x-bern", short_text="<p>Dörfe mer?</p>")

    page = admin_client.get(change_url(consent)).text

    assert "Portuguese (Brazil) (pt-BR)" in page
    assert '<option value="gsw-x-bern" selected>gsw-x-bern</option>' in page
