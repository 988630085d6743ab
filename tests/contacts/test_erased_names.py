"""Names of erased people: they are found in every spelling, and as other systems hash them."""

import hashlib
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from contacts.changes import Origin, change_contact, create_contact
from contacts.erased_names import (
    Identifier,
    NameErased,
    Names,
    are_erased,
    contacts_named,
    erased_email_condition,
    lift,
    register_lift_witness,
    suppress,
)
from contacts.identifying import Identity, identify
from contacts.models import Contact, ContactChange, ContactIdentifier, ErasedName
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

GUID = "5f0c6a52-0c8e-4d0b-9f43-2f6f5f1b7a10"
SHA256 = hashlib.sha256(b"eva@xn--bcher-kva.example").hexdigest()
MD5 = hashlib.md5(b"eva@xn--bcher-kva.example").hexdigest()
CODE = Origin(ContactChange.Source.CODE)


@pytest.mark.parametrize(
    "spelling", ["eva@bücher.example", "EVA@BU\u0308CHER.example", "Eva@xn--bcher-kva.example"]
)
def test_email_is_found_in_every_spelling(spelling):
    suppress(Names(emails=["eva@Bücher.example"]))

    assert list(are_erased(emails=[spelling, "eve@bücher.example"]).emails) == [spelling]


def test_email_is_found_by_its_hashes_and_the_other_way_round():
    hashes = [Identifier("1", "email_sha256", SHA256), Identifier("2", "email_md5", MD5)]
    other = Identifier("1", "email_md5", "0" * 32)

    suppress(Names(emails=["eva@bücher.example"]))
    assert list(are_erased(identifiers=[*hashes, other]).identifiers) == hashes

    for one in hashes:
        ErasedName.objects.all().delete()
        suppress(Names(identifiers=[one]))
        assert list(are_erased(emails=["eva@bücher.example"]).emails) == ["eva@bücher.example"]


def test_guid_is_found_in_any_letter_case_and_an_identifier_on_its_site():
    user = Identifier("1", "user_id", "4711")
    elsewhere, other_kind = user._replace(site_id="2"), user._replace(kind="anonymous_id")
    suppress(Names(guids=[GUID], identifiers=[user]))

    found = are_erased([GUID.upper()], [], [user, elsewhere, other_kind])

    assert (list(found.guids), list(found.identifiers)) == ([GUID.upper()], [user])


def test_nothing_that_is_kept_tells_a_name():
    suppress(Names([GUID], ["eva@example.com"], [Identifier("1", "user_id", "4711")]))

    kept = ErasedName.objects.exclude(kind="key").values_list("kind", "digest")
    plain = [hashlib.sha256(text).digest() for text in (GUID.encode(), b"eva@example.com")]
    assert sorted(kind for kind, _ in kept) == ["email", "email_md5", "guid", "identifier"]
    assert all(len(bytes(digest)) == 32 and bytes(digest) not in plain for _, digest in kept)


def test_sql_finds_the_emails_of_a_table_that_were_erased():
    md5 = hashlib.md5(b"carl@example.com").hexdigest()
    suppress(Names(emails=["eva@bücher.example"], identifiers=[Identifier("1", "email_md5", md5)]))
    condition, params = erased_email_condition("given.key")
    keys = ["eva@xn--bcher-kva.example", "carl@example.com", "dora@example.com", "a\\b@example.com"]

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT key FROM unnest(%(keys)s::text[]) AS given (key) WHERE {condition}",
            {"keys": keys, **params},
        )
        assert [key for (key,) in cursor.fetchall()] == keys[:2]


def test_contacts_with_erased_names_are_found_in_one_query(django_assert_num_queries):
    by_guid, by_email = make_contact(), make_contact(email="Eva@bücher.example")
    by_hash, by_user = make_contact(), make_contact()
    make_contact(email="other@example.com")
    ContactIdentifier.objects.create(contact=by_hash, site_id="1", kind="email_md5", value=MD5)
    user = Identifier("1", "user_id", "4711")
    ContactIdentifier.objects.create(contact=by_user, **user._asdict())
    names = Names([str(by_guid.guid)], ["eva@bücher.example"], [user])

    with django_assert_num_queries(1):
        found = contacts_named(names.digests())

    assert found == [by_guid.pk, by_email.pk, by_hash.pk, by_user.pk]
    assert contacts_named(Names(emails=["nobody@example.com"]).digests()) == []


def test_names_that_are_lifted_are_erased_no_more(monkeypatch):
    told = []
    monkeypatch.setattr("contacts.erased_names._lift_witnesses", [])
    register_lift_witness(told.append)
    names = Names([GUID], ["eva@example.com"])
    suppress(names)

    assert lift(Names(emails=["EVA@example.com"])) == 2
    assert not are_erased(emails=["eva@example.com"])
    assert are_erased([GUID])
    assert {kind for kind, _ in told[0]} == {"email", "email_md5"}
    assert lift(Names(emails=["eva@example.com"])) == 0
    assert len(told) == 1


def test_an_agreement_from_before_the_erasure_lifts_nothing():
    before = timezone.now() - timedelta(minutes=1)
    suppress(Names(emails=["eva@example.com"]))

    assert lift(Names(emails=["eva@example.com"]), agreed_at=before) == 0
    assert lift(Names(emails=["eva@example.com"]), agreed_at=timezone.now()) == 2


def test_another_key_is_told_and_lets_nobody_in(settings):
    suppress(Names([GUID]))
    settings.ERASURE_KEY = "another key of erasures, which is long enough"

    for act in (lambda: are_erased([GUID]), lambda: suppress(Names(["other"]))):
        with pytest.raises(ImproperlyConfigured, match="another ERASURE_KEY"):
            act()


def test_key_is_made_once_if_none_is_set(settings, tmp_path):
    settings.ERASURE_KEY, settings.ERASURES_DIR = "", tmp_path / "erasures"
    suppress(Names([GUID]))
    file = tmp_path / "erasures" / "key"

    assert are_erased([GUID])
    assert (len(file.read_bytes()), file.stat().st_mode & 0o777) == (64, 0o600)
    assert [one.name for one in file.parent.iterdir()] == ["key"]


def test_no_contact_gets_an_erased_email():
    suppress(Names(emails=["eva@example.com"]))
    contact, known = make_contact(), make_contact(email="Eva@example.com")

    with pytest.raises(NameErased):
        create_contact({"email": "EVA@example.com"}, CODE)
    with pytest.raises(NameErased):
        change_contact(contact, {"email": "eva@example.com"}, CODE)
    # What a contact has is not new.
    change_contact(known, {"email": "eva@example.com", "city": "Bern"}, CODE)

    assert Contact.objects.exclude(email="").get().city == "Bern"


def test_event_that_names_an_erased_person_makes_nobody():
    suppress(Names(emails=["eva@example.com"], identifiers=[Identifier("1", "user_id", "4711")]))
    browser = {"site_id": "1", "anonymous_ids": ("browser-1",)}

    by_hash = {"email_sha256": hashlib.sha256(b"eva@example.com").hexdigest()}
    for key in ({"user_id": "4711"}, {"email": "EVA@example.com"}, by_hash):
        with pytest.raises(NameErased):
            identify(Identity(**browser, **key))

    assert not Contact.objects.exists()


def test_browser_of_an_erased_person_is_absent_beside_other_names():
    suppress(Names(identifiers=[Identifier("1", "anonymous_id", "browser-1")]))

    with pytest.raises(NameErased):
        identify(Identity(site_id="1", anonymous_ids=("browser-1",)))
    other = identify(Identity(site_id="1", anonymous_ids=("browser-1",), user_id="4712"))

    assert list(other.identifiers.values_list("kind", "value")) == [("user_id", "4712")]
    assert identify(Identity(site_id="2", anonymous_ids=("browser-1",))) != other
