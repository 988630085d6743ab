"""The texts of consents: cleaned, versioned, in the language nearest to the one asked for."""

import pytest

from consents.models import ConsentText
from consents.texts import clean_html, find_text, save_text, withdraw_text
from tests.factories import make_consent


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<p>May <b>we</b>?</p>", "<p>May <b>we</b>?</p>"),
        ("<h2>A</h2><ul><li>b</li></ul><hr>", "<h2>A</h2><ul><li>b</li></ul><hr>"),
        (
            '<a href="https://example.com/privacy" title="Read" target="_blank">more</a>',
            '<a href="https://example.com/privacy" title="Read" target="_blank" '
            'rel="noopener noreferrer">more</a>',
        ),
        ('<a href="mailto:dpo@example.com">us</a>',
         '<a href="mailto:dpo@example.com" rel="noopener noreferrer">us</a>'),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<a href="data:text/html,x">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ("a<script>alert(1)</script>b", "ab"),
        ("a<style>p{}</style>b", "ab"),
        ('<p onclick="x()" style="color:red" class="y" id="z">a</p>', "<p>a</p>"),
        ('<img src="https://x.example/pixel">a', "a"),
        ('<iframe src="https://x.example"></iframe>a', "a"),
        ("<form><input><button>go</button></form>", "go"),
        ("<svg><script>alert(1)</script></svg>a", "a"),
        ("<!-- hidden -->a", "a"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
        ("<p>open", "<p>open</p>"),
        ("grüß 🚀", "grüß 🚀"),
        ("", ""),
    ],
)  # fmt: skip
def test_html_is_cleaned(html, cleaned):
    assert clean_html(html) == cleaned


@pytest.mark.django_db
def test_saved_text_is_clean():
    consent = make_consent()

    text = save_text(
        consent, language="en", short_text="<p onclick=x>a</p>", full_text="<script>x</script>b"
    )

    text.refresh_from_db()
    assert (text.short_text, text.full_text) == ("<p>a</p>", "b")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de", "German"),
        ("DE", "German"),
        ("de-AT", "German"),
        ("de_AT", "German"),
        ("de-Latn-AT", "German"),
        ("pt-BR", "Brazilian"),
        ("pt-br", "Brazilian"),
        ("pt_BR", "Brazilian"),
        ("pt-PT", "English"),
        ("pt", "English"),
        ("en", "English"),
        ("fr", "English"),
        ("", "English"),
        ("nonsense \0 🚀", "English"),
    ],
)
def test_text_is_in_the_nearest_language(wanted, found):
    consent = make_consent(
        texts={"de": "German", "en": "English", "pt-BR": "Brazilian", "aa": "Afar"}
    )

    assert find_text(consent, wanted).short_text == found


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("zh-Hant-TW", "zh-Hant"),
        ("zh_hant_HK", "zh-Hant"),
        ("zh-Hans-CN", "zh"),
        ("sr-Latn-RS", "sr-Latn"),
        ("sr-Cyrl", "en"),
        ("de-AT-1996", "de-AT"),
        (" de-at ", "de-AT"),
        ("de-AT-x-formal", "de-AT"),
        ("de-1996-AT", "de"),
        ("de-" * 100_000, "de"),
        ("-", "en"),
        ("x-de", "en"),
    ],
)
def test_language_falls_back_one_subtag_at_a_time(wanted, found):
    languages = ("en", "zh", "zh-Hant", "sr-Latn", "de", "de-AT", "aa")
    consent = make_consent(texts={language: language for language in languages})

    assert find_text(consent, wanted).short_text == found


@pytest.mark.django_db
def test_default_language_falls_back_as_well():
    consent = make_consent(default_language="pt-BR", texts={"aa": "Afar", "pt": "Portuguese"})

    assert find_text(consent, "fr").short_text == "Portuguese"


@pytest.mark.django_db
def test_a_language_has_one_text_however_its_subtags_are_joined():
    consent = make_consent()
    consent.texts.all().delete()
    consent.texts.create(language="pt_BR", short_text="First")

    save_text(consent, language="pt-br", short_text="Second")
    save_text(consent, language="PT_BR", short_text="Third")

    assert find_text(consent, "pt-BR").short_text == "Third"
    assert consent.texts.filter(superseded_at__isnull=True).count() == 1
    assert set(consent.texts.values_list("version", flat=True)) == {1, 2, 3}


@pytest.mark.django_db
def test_text_is_in_the_default_language_of_its_consent():
    consent = make_consent(default_language="de", texts={"de": "German", "en": "English"})

    assert find_text(consent, "fr").short_text == "German"
    assert find_text(consent).short_text == "German"


@pytest.mark.django_db
def test_text_is_in_any_language_when_there_is_no_default():
    consent = make_consent(default_language="en", texts={"sv": "Swedish", "de": "German"})

    assert find_text(consent, "fr").short_text == "German"


@pytest.mark.django_db
def test_consent_without_texts_has_none_to_show():
    consent = make_consent()
    consent.texts.all().delete()

    assert find_text(consent, "en") is None


@pytest.mark.django_db
def test_changed_text_is_a_new_version():
    consent = make_consent(texts={"en": "First"})

    second = save_text(consent, language="en", short_text="Second")

    assert list(consent.texts.order_by("version").values_list("version", "short_text")) == [
        (1, "First"),
        (2, "Second"),
    ]
    assert consent.texts.get(superseded_at__isnull=True) == second
    assert find_text(consent, "en") == second


@pytest.mark.django_db
def test_change_of_the_full_text_alone_is_a_new_version():
    consent = make_consent(texts={"en": "Short"})

    save_text(consent, language="en", short_text="Short", full_text="Full")

    assert find_text(consent, "en").version == 2


@pytest.mark.django_db
def test_unchanged_text_is_no_new_version():
    consent = make_consent(texts={"en": "<p>May we?</p>"})

    save_text(consent, language="EN", short_text="<p onclick=x>May we?</p>")

    assert consent.texts.get().version == 1


@pytest.mark.django_db
def test_languages_have_versions_of_their_own():
    consent = make_consent(texts={"en": "First", "de": "Erster"})

    save_text(consent, language="en", short_text="Second")

    assert find_text(consent, "en").version == 2
    assert find_text(consent, "de").version == 1


@pytest.mark.django_db
def test_withdrawn_text_gives_way_to_another_language_and_stays():
    consent = make_consent(texts={"en": "English", "de": "German"})

    withdraw_text(find_text(consent, "de"))

    assert find_text(consent, "de").short_text == "English"
    assert ConsentText.objects.count() == 2


@pytest.mark.django_db
def test_text_that_was_withdrawn_comes_back_as_a_new_version():
    consent = make_consent(texts={"en": "English"})
    withdraw_text(find_text(consent, "en"))

    save_text(consent, language="en", short_text="English")

    assert find_text(consent, "en").version == 2


@pytest.mark.django_db
def test_withdrawing_twice_keeps_the_first_time():
    consent = make_consent()
    text = find_text(consent)
    withdraw_text(text)
    text.refresh_from_db()
    first = text.superseded_at

    withdraw_text(text)

    text.refresh_from_db()
    assert text.superseded_at == first
