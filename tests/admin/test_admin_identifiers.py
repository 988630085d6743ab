"""What other systems know contacts by: on their pages, and in the search."""

import hashlib

import pytest

from adminsite.formatting import change_url, changelist_url
from contacts.admin.searching import search_contacts
from contacts.models import Contact, ContactIdentifier
from tests.admin.history import NASTY
from tests.factories import make_channel, make_contact

pytestmark = pytest.mark.django_db

Kind = ContactIdentifier.Kind
EMAIL = "Ada.Lovelace@example.com"
SHA256 = hashlib.sha256(EMAIL.lower().encode()).hexdigest()
MD5 = hashlib.md5(EMAIL.lower().encode()).hexdigest()


def make_identifier(value="u-4711", *, contact=None, channel=None, kind=Kind.USER_ID):
    return ContactIdentifier.objects.create(
        contact=contact or make_contact(),
        site_id=(channel or make_channel()).site_id,
        kind=kind,
        value=value,
    )


def found(term):
    return list(search_contacts(Contact.objects.live().order_by("pk"), term))


@pytest.mark.parametrize("kind", Kind)
def test_search_finds_a_contact_by_any_identifier(kind):
    contact = make_identifier("u-4711", kind=kind).contact
    make_identifier("u-4712", kind=kind)

    assert found("u-4711") == [contact]


@pytest.mark.parametrize("term", ["u-471", "4711", "711", "U-4711", "u 4711", "47"])
def test_search_finds_part_of_an_identifier(term):
    contact = make_identifier("u-4711").contact
    make_identifier("u-1500")

    assert found(term) == [contact]


@pytest.mark.parametrize("term", ["u-4711 x", "u-4712", "71-", "11-u"])
def test_search_for_more_than_an_identifier_has_finds_nothing(term):
    make_identifier("u-4711")

    assert found(term) == []


@pytest.mark.parametrize("start", [0, 1, 2, 3, 30, 57])
def test_search_finds_seven_letters_of_a_hash(start):
    contact = make_identifier(SHA256, kind=Kind.EMAIL_SHA256).contact
    make_identifier(MD5, kind=Kind.EMAIL_MD5)

    assert found(SHA256[start : start + 7]) == [contact]


def test_search_finds_everybody_with_the_identifier_on_some_site():
    ours, theirs = make_identifier("7").contact, make_identifier("7").contact

    assert found("7") == [ours, theirs]


def test_search_finds_names_and_identifiers():
    known_as = make_identifier("anna").contact
    named = make_contact(first_name="Anna")

    assert found("anna") == [known_as, named]


def test_search_finds_an_identifier_that_looks_like_a_guid():
    anna = make_contact()
    known_as = make_identifier(str(anna.guid)).contact
    assert found(str(anna.guid)) == [anna, known_as]

    other = make_identifier("7183b9d4-1031-11ee-be56-0242ac120002").contact
    assert found("7183b9d4-1031-11ee-be56-0242ac120002") == [other]


@pytest.mark.parametrize("term", [SHA256, SHA256.upper(), MD5])
def test_search_finds_a_contact_by_the_hash_of_its_email(term):
    contact = make_contact(email=EMAIL)
    make_contact(email="someone.else@example.com")

    assert found(term) == [contact]


@pytest.mark.parametrize("count", [1, 5])
def test_search_takes_a_constant_number_of_queries(admin_client, count, django_assert_num_queries):
    for _ in range(count):
        make_identifier("u-4711")
    url = changelist_url(Contact, "q=u-4711")
    admin_client.get(url)

    with django_assert_num_queries(27):
        html = admin_client.get(url).text

    assert f"{count} contact" in html


def test_the_page_of_a_contact_says_what_others_know_it_by(admin_client):
    channel = make_channel(name="Webshop")
    contact = make_identifier("u-4711", channel=channel).contact
    make_identifier("20261127", contact=contact, channel=channel, kind=Kind.ANONYMOUS_ID)
    make_identifier("of somebody else", channel=channel)

    page = admin_client.get(change_url(contact))

    (content,) = [
        entry["content"]
        for entry in page.context["sections"]
        if entry["section"].slug == "known-as"
    ]
    assert content.count == "2"
    assert [
        (one.get_kind_display(), one.value, channels)
        for one, channels in content.context["entries"]
    ] == [("Anonymous ID", "20261127", "Webshop"), ("User ID", "u-4711", "Webshop")]
    assert 'data-copy="u-4711"' in page.text
    assert "of somebody else" not in page.text


@pytest.mark.parametrize("count", [1, 5])
def test_the_page_takes_a_constant_number_of_queries(
    admin_client, count, django_assert_num_queries
):
    contact = make_contact()
    for number in range(count):
        make_identifier(f"u-{number}", contact=contact)
    admin_client.get(change_url(contact))

    with django_assert_num_queries(41):
        admin_client.get(change_url(contact))


def test_the_page_shows_the_newest_of_many_identifiers(admin_client):
    contact, channel = make_contact(), make_channel()
    for number in range(101):
        make_identifier(f"browser-{number:03}", contact=contact, channel=channel)

    html = admin_client.get(change_url(contact)).text

    assert html.count('data-copy="browser-') == 100
    assert "browser-000" not in html
    assert "There are older ones." in html


def test_identifiers_and_the_names_of_their_channels_are_escaped(admin_client):
    contact = make_identifier(NASTY, channel=make_channel(name=NASTY)).contact

    html = admin_client.get(change_url(contact)).text

    assert html.count("&lt;script&gt;alert") >= 2
    assert "<script>alert" not in html


def test_a_contact_that_nobody_has_named_says_so(admin_client):
    html = admin_client.get(change_url(make_contact())).text

    assert "No other system has named this contact." in html


def test_identifiers_of_a_site_that_no_channel_has_any_more_stay_on_the_page(admin_client):
    identifier = make_identifier("u-4711")
    old_site = identifier.site_id
    ContactIdentifier.objects.update(site_id="left")

    html = admin_client.get(change_url(identifier.contact)).text

    assert "u-4711" in html
    assert "left" in html
    assert old_site not in html
