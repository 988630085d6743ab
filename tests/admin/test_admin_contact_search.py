"""What the search for contacts finds."""

import unicodedata

import pytest

from contacts import texts
from contacts.admin import searching
from contacts.admin.searching import search_contacts
from contacts.models import Contact
from contacts.texts import are_frequent
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def found(term):
    return list(search_contacts(Contact.objects.live().order_by("pk"), term))


@pytest.mark.parametrize(
    "term",
    [
        pytest.param("ann", id="beginning-of-a-name"),
        pytest.param("NNA", id="middle-of-a-name-in-any-case"),
        pytest.param("anna eller", id="both-names"),
        pytest.param("keller anna", id="both-names-the-other-way"),
        pytest.param("rose", id="middle-name"),
        pytest.param("nna.kel", id="part-of-the-email"),
        pytest.param(".keller@exam", id="part-of-the-email-with-a-sign-first"),
        pytest.param("@example.org", id="domain"),
        pytest.param("anna.keller@example.org", id="whole-email"),
        pytest.param("ürich versich", id="company"),
        pytest.param("zurich", id="company-without-accents"),
        pytest.param("versicherungs-", id="company-with-a-sign"),
        pytest.param("anna & co", id="a-sign-alone-among-words"),
        pytest.param("k", id="one-letter"),
        pytest.param("ke", id="two-letters"),
        pytest.param("ke an", id="two-letters-twice"),
    ],
)
def test_search_finds_any_part_of_names_email_and_company(term):
    anna = make_contact(
        first_name="Anna",
        middle_name="Rose",
        last_name="Keller",
        email="Anna.Keller@example.org",
        company_name="Zürich Versicherungs-AG & Co.",
    )
    make_contact(first_name="Ian", last_name="Moeller", email="ian@example.com")

    assert found(term) == [anna]


def test_words_of_one_or_two_letters_find_beginnings_only():
    li = make_contact(first_name="Li", last_name="Bo")
    linda = make_contact(first_name="Linda")
    make_contact(first_name="Ali", last_name="Kabo")
    jean = make_contact(first_name="Jean-Li")

    assert found("li") == [li, linda, jean]
    assert found("li bo") == [li]
    assert found("i-li") == []


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("王小明", ["王", "小", "明", "王小", "小明", "王小明"]),
        ("さくら", ["さ", "くら", "さくら"]),
        ("ジョン", ["ン", "ョン", "ｼﾞｮﾝ"]),
        ("がわ", ["が", "がわ"]),
        ("김민준", ["김", "준", "민준", unicodedata.normalize("NFD", "김민준")]),
        ("𠮷田", ["𠮷", "田", "𠮷田"]),
    ],
)
def test_search_finds_each_letter_of_chinese_japanese_and_korean_names(name, terms):
    contact = make_contact(last_name=name)
    make_contact(last_name="李四")

    for term in terms:
        assert found(term) == [contact], term


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("Łukasz Sørensen", ["lukasz", "sorensen", "SØREN", "ŁUK"]),
        ("Groß", ["gross", "groß", "GROSS", "GROẞ"]),
        ("Đặng Æsir Œuvre", ["dang", "aesir", "æsir", "oeuvre"]),
        ("Ólafur Þór", ["olafur", "thor", "Þór"]),
        ("Ёлкин", ["елкин", "ЁЛК"]),
        ("Ώριμος", ["ωριμος", "ΩΡΙΜΟΣ", "ριμοσ"]),
        ("O\u2019Brien", ["o'brien", "O\u2019BRI", "brien"]),
        ("Anne\u2011Marie", ["anne-marie", "nne-mar"]),
        ("\ufb01nn", ["finn", "FIN"]),
    ],
)
def test_search_finds_names_without_accents_and_in_other_signs(name, terms):
    contact = make_contact(last_name=name)
    make_contact(last_name="Stone")

    for term in terms:
        assert found(term) == [contact], term


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("مُحَمَّد علی", ["محمد", "مُحَمَّد", "حمد", "علي", "\u202bمحمد\u202c"]),
        ("שָׁלוֹם", ["שלום", "לום", "\u200fשָׁלוֹם"]),  # noqa: RUF001
    ],
)
def test_search_finds_text_from_right_to_left(name, terms):
    contact = make_contact(first_name=name)
    make_contact(first_name="Stone")

    for term in terms:
        assert found(term) == [contact], term


@pytest.mark.parametrize(
    "kept", ["+49 171 1234567", "0049 (0)171/123-45-67", "+49 (0) 171 1234567", "0171 1234567"]
)
@pytest.mark.parametrize(
    "term",
    [
        "+49 171 1234567",
        "+491711234567",
        "0049171 1234567",
        "0171/1234567",
        "(0171) 123 45 67",
        "01711234567",
        "171 123",
        "123 45 67",
        "4567",
        "+49 (0)171 123",
    ],
)
@pytest.mark.parametrize("field", ["mobile_phone", "business_phone"])
def test_search_finds_a_phone_in_any_spelling(field, kept, term):
    contact = make_contact(**{field: kept})
    make_contact(**{field: "+43 171 7654321"})

    assert found(term) == [contact]


def test_search_tells_countries_of_phones_apart():
    german = make_contact(mobile_phone="+49 30 1234567")
    austrian = make_contact(mobile_phone="+43 30 1234567")
    american = make_contact(mobile_phone="1 (555) 010-2345")

    assert found("+49 30 1234567") == [german]
    assert found("030 1234567") == [german, austrian]
    assert found("+1 555 0102345") == [american]


@pytest.mark.parametrize("start", [0, 9, 14, 19, 24])
def test_search_finds_each_part_of_a_guid_between_hyphens(start):
    contact = make_contact(guid="5b1f6a7e-9c3d-4e2a-8f60-d1c2b3a49586")
    make_contact()

    part = str(contact.guid)[start:].split("-")[0]
    assert found(part) == found(part.upper()) == [contact]


@pytest.mark.parametrize("start", range(0, 29))
def test_search_finds_any_seven_digits_of_a_guid(start):
    contact = make_contact(guid="5b1f6a7e-9c3d-4e2a-8f60-d1c2b3a49586")
    make_contact()

    assert found(str(contact.guid)[start : start + 9]) == [contact]


@pytest.mark.parametrize(
    "term",
    [
        *["'", '"', "''", "%%", "-", "+", "()", "@", "&", "\\", "--;", "' OR 1=1 --"],
        pytest.param("x" * 300, id="300-letters"),
        pytest.param("王" * 300, id="300-han"),
        pytest.param("ab " * 100, id="100-words"),
        pytest.param("a" * 5000, id="5000-letters"),
        pytest.param("\0", id="nul"),
        pytest.param("\u202e", id="override"),
        pytest.param("\ufdfa", id="eighteen-in-one"),
    ],
)
def test_search_takes_whatever_is_typed(term):
    make_contact(first_name="Anna", email="anna@example.com", mobile_phone="+1 555 0100")

    assert found(term) == []


@pytest.mark.parametrize("is_frequent", [False, True])
def test_words_of_which_there_are_many_find_the_same(monkeypatch, is_frequent):
    monkeypatch.setattr(searching, "are_frequent", lambda words: is_frequent)
    anna = make_contact(first_name="Anna", email="anna@example.com")
    hanna = make_contact(first_name="Hanna", email="hanna@example.com")
    make_contact(first_name="Ann")

    assert found("anna") == found("nna example.com") == [anna, hanna]
    assert found("an") == [anna, Contact.objects.get(first_name="Ann")]


def test_how_frequent_words_are_is_found_out_in_a_large_table(monkeypatch):
    make_contact(first_name="Anna", last_name="Keller")
    make_contact(first_name="Anna")
    assert not are_frequent(["anna"])
    # As if these two were the sample.
    monkeypatch.setattr(texts, "estimated_rows", lambda table: 100_000)
    monkeypatch.setattr(texts, "_SAMPLE", 100_000)
    monkeypatch.setattr(texts, "_FEWEST_ROWS", 0)

    assert are_frequent(["anna"])
    assert are_frequent(["anna", "keller"])
    assert not are_frequent(["anna", "berg"])


@pytest.mark.parametrize("kept", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
@pytest.mark.parametrize("term", ["José", "JOSÉ", "Núñez", "josé núñ", "von Núñez"])
def test_search_finds_a_name_in_any_unicode_form(kept, typed, term):
    first, last = (unicodedata.normalize(kept, name) for name in ("José", "Núñez"))
    one, other = make_contact(first_name=first, last_name=last), make_contact(first_name=first)
    von = make_contact(last_name=f"von {last}")

    expected = {"Núñez": [one, von], "josé núñ": [one], "von Núñez": [von]}
    assert found(unicodedata.normalize(typed, term)) == expected.get(term, [one, other])
    one.refresh_from_db()
    assert (one.first_name, one.last_name) == (first, last)


@pytest.mark.parametrize(
    ("name", "term"),
    [
        ("İbrahim", "İbrahim"),
        ("İbrahim", "I\u0307brahim"),
        ("İbrahim", "ibrahim"),
        ("ΣΟΦΟΣ", "ΣΟΦΟΣ"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("σοφος", "ΣΟΦΟΣ"),
        ("σοφος", "σοφο"),
    ],
)
def test_search_finds_a_name_in_any_letter_case(name, term):
    contact = make_contact(first_name=name)

    assert found(term) == [contact]


@pytest.mark.parametrize("term", ["eva@bücher.example", "EVA@xn--bcher-kva.example", "eva@büc"])
def test_search_finds_an_email_in_another_spelling(term):
    contact = make_contact(email=unicodedata.normalize("NFD", "Eva@bücher.example"))

    assert found(term) == [contact]


def test_search_finds_a_last_name_of_several_words():
    contact = make_contact(last_name="van der Berg")

    assert found("van der b") == [contact]


@pytest.mark.parametrize("term", ["%", "_", "a%", "\\"])
def test_search_takes_wildcards_literally(term):
    make_contact(first_name="Anna")

    assert found(term) == []


def test_the_guid_of_a_merged_contact_finds_the_survivor():
    survivor = make_contact(email="anna@example.com")
    middle = make_contact(merged_into=survivor)
    merged = make_contact(merged_into=middle)

    assert found(str(merged.guid)) == [survivor]
    assert found(str(survivor.guid).upper()) == [survivor]


def test_search_for_an_unknown_guid_finds_nothing():
    make_contact()

    assert found("06b035b8-6658-4a1b-b1de-5994e4975fb1") == []
