"""Which spellings are one mailbox, and how an email may be spelled."""

import hashlib
import importlib
import unicodedata

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from contacts.editing import EmailTaken, InvalidContact, create_contact, create_or_update_contact
from contacts.emails import are_one_mailbox, check_email, mailbox, spellings
from contacts.identifying import Identity, find_identified, identify, known_of
from contacts.models import Contact, ContactIdentifier, ContactMerge
from contacts.resolving import guid_with_email
from database.questions import ask
from tests.factories import make_contact
from tests.work import do_merges

UNICODE, PUNYCODE = "eva@bücher-markt.example", "eva@xn--bcher-markt-thb.example"
SPELLINGS = [
    UNICODE,
    PUNYCODE,
    unicodedata.normalize("NFD", UNICODE),
    "Eva@BÜCHER-markt.example",
    "eva@XN--BCHER-MARKT-THB.Example",
    "eva@bücher-markt。example",
    "eva@\uff42ücher-markt.example",
    '"eva"@bücher-markt.example',
]
UNSEEN = {
    "ina@example.com\u200b": "U+200B ZERO WIDTH SPACE",
    "\ufeffina@example.com": "U+FEFF ZERO WIDTH NO-BREAK SPACE",
    "in\u00ada@example.com": "U+00AD SOFT HYPHEN",
    "ina@exam\u2060ple.com": "U+2060 WORD JOINER",
    "ina\u200e@example.com": "U+200E LEFT-TO-RIGHT MARK",
    "ina@exam\ufe0fple.com": "U+FE0F VARIATION SELECTOR-16",
    "ina@exam\u3164ple.com": "U+3164 HANGUL FILLER",
    "in\u00a0a@example.com": "U+00A0 NO-BREAK SPACE",
    '"i\x01na"@example.com': "U+0001",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_a_mailbox_have_one_key(spelling):
    check_email(spelling)
    assert mailbox(spelling).lower() == PUNYCODE
    assert are_one_mailbox(spelling, UNICODE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("eva@straße.example", "eva@strasse.example"),
        ("eva@example.com", "eva@example.org"),
        ("eva.a@example.com", "evaa@example.com"),
        ("eva+shop@example.com", "eva@example.com"),
        ('"e va"@example.com', '"eva"@example.com'),
        ("eva@bücher.example", "eva@bucher.example"),
    ],
)
def test_other_mailboxes_stay_others(one, other):
    assert not are_one_mailbox(one, other)


@pytest.mark.parametrize("email", ["eva@i❤.example", "eva@例え.テスト", "eva@xn--i-7iq.example"])
def test_any_domain_that_browsers_open_has_a_key(email):
    assert mailbox(email).partition("@")[2].isascii()


@pytest.mark.parametrize(
    "email",
    ["eva", "eva@", "@example.com", "\u017fva@example.com", "İna@example.com", "e@exa⁇mple.com"],
)
def test_what_is_no_email_is_refused(email):
    with pytest.raises(ValidationError, match="Enter a valid email address"):
        check_email(email)


@pytest.mark.parametrize("email", UNSEEN)
def test_a_character_that_nobody_sees_is_refused_by_name(email):
    with pytest.raises(ValidationError) as refusal:
        check_email(email)

    detail = f"This email has a character that nobody sees: {UNSEEN[email]}. Remove it."
    assert refusal.value.messages == [detail]


def test_any_text_has_a_key():
    for text in ("", "@", "a@" + "ü" * 5000, "\ud800@\ud800", '"@', "a@xn--\x00.example", "ü@ü@ü"):
        assert isinstance(mailbox(text), str)
        assert isinstance(spellings(text), set)


def test_usual_spellings_are_known():
    assert spellings("Eva@" + UNICODE.partition("@")[2]) == {
        UNICODE,
        PUNYCODE,
        unicodedata.normalize("NFD", UNICODE),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_contact_is_found_by_every_spelling_and_keeps_its_own(spelling):
    contact = create_contact({"email": "Eva@bücher-markt.example"})

    assert Contact.objects.with_email(spelling).get() == contact
    assert ask(guid_with_email(spelling)) == [contact.guid]
    identity = Identity(site_id="1", email=spelling)
    assert find_identified(identity) == contact
    (known,) = ask(known_of([identity], site_id="1"))
    assert known.find_usual(identity) == contact
    assert create_or_update_contact(spelling, {"first_name": "Eva"}) == (contact, False)
    with pytest.raises(EmailTaken):
        create_contact({"email": spelling})
    contact.refresh_from_db()
    assert contact.email == "Eva@bücher-markt.example"


@pytest.mark.django_db
def test_hashes_are_made_of_the_key():
    contact = make_contact(email=UNICODE)

    hashes = [hashlib.sha256(PUNYCODE.encode()).hexdigest()]
    hashes += [hashlib.md5(PUNYCODE.encode()).hexdigest()]
    assert Contact.objects.with_email_hash(sha256=hashes[0]).get() == contact
    assert Contact.objects.with_email_hash(md5=hashes[1]).get() == contact
    identity = Identity(site_id="1", email_sha256=hashes[0], email=PUNYCODE)
    assert identify(identity) == contact


@pytest.mark.django_db
def test_the_key_follows_the_email():
    contact = make_contact(email="old@example.com")

    contact.email = UNICODE
    contact.save(update_fields=["email"])
    assert Contact.objects.filter(email_key=PUNYCODE).get() == contact
    Contact.objects.update(email="ANN@example.com")
    assert Contact.objects.filter(email_key="ann@example.com").get() == contact
    contact.email = ""
    contact.save()
    assert Contact.objects.filter(email_key="").get() == contact


@pytest.mark.django_db
def test_two_spellings_of_one_mailbox_cannot_both_be_saved():
    make_contact(email=UNICODE)

    with pytest.raises(IntegrityError, match="one_live_contact_per_email"):
        make_contact(email=PUNYCODE)


@pytest.mark.django_db
@pytest.mark.parametrize("email", UNSEEN)
def test_no_contact_is_made_or_found_with_what_nobody_sees(email):
    make_contact(email="ina@example.com")

    for edit in (create_or_update_contact, lambda email, _: create_contact({"email": email})):
        with pytest.raises(InvalidContact, match="character that nobody sees") as refusal:
            edit(email, {})
        assert refusal.value.field == "email"
    assert Contact.objects.count() == 1


@pytest.mark.django_db
def test_what_a_contact_has_already_does_not_stop_other_changes():
    contact = make_contact(email="ina@example.com\u200b")

    create_or_update_contact("ina@example.com", {"first_name": "Ina"})

    contact.refresh_from_db()
    assert contact.first_name == "Ina"


# Contacts who were there before


def _migrate(name, function):
    getattr(importlib.import_module(f"contacts.migrations.{name}"), function)(apps, None)


def _make_old(email, **fields):
    """A contact as it was before its email had a key of its own."""
    contact = Contact(**fields)
    contact.save()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_contact SET email = %s, email_key = lower(%s) WHERE id = %s",
            [email, email, contact.pk],
        )
    contact.refresh_from_db()
    return contact


@pytest.mark.django_db
@pytest.mark.parametrize("order", [(UNICODE, PUNYCODE), (PUNYCODE, UNICODE)])
def test_spellings_of_old_are_merged_by_a_worker(order):
    older = _make_old(order[0], first_name="Eva")
    younger = _make_old(order[1], city="Bern")
    other = _make_old("ann@example.com")

    _migrate("0005_one_contact_per_mailbox", "bring_spellings_together")

    assert Contact.objects.live().count() == 3
    merge = ContactMerge.objects.get()
    assert (merge.survivor, merge.loser) == (older, younger)
    assert (merge.status, merge.reason) == ("pending", "same_email")
    assert Contact.objects.with_email(UNICODE).get() in (older, younger)
    do_merges()
    merge.refresh_from_db()
    assert merge.status == ContactMerge.Status.DONE
    assert merge.loser_before["email"] == order[1]
    survivor = Contact.objects.with_email(UNICODE).get()
    assert (survivor, survivor.email, survivor.city) == (older, order[0], "Bern")
    assert Contact.objects.with_email("ann@example.com").get() == other


@pytest.mark.django_db
def test_of_old_spellings_the_one_that_can_be_written_to_survives():
    older = _make_old("ina@example.com\u200b")
    younger = _make_old("ina@example.com")

    _migrate("0005_one_contact_per_mailbox", "bring_spellings_together")
    do_merges()

    older.refresh_from_db()
    assert older.merged_into == younger
    assert Contact.objects.with_email("ina@example.com").get() == younger


@pytest.mark.django_db
def test_old_spellings_that_waited_for_a_person_wait_no_longer():
    one, other = _make_old(UNICODE), _make_old(PUNYCODE)
    merge = ContactMerge.objects.create(
        survivor=other, loser=one, reason="identifier", status="review"
    )

    _migrate("0005_one_contact_per_mailbox", "bring_spellings_together")
    do_merges()

    merge.refresh_from_db()
    assert merge.status == ContactMerge.Status.DONE


@pytest.mark.django_db
def test_an_old_spelling_that_is_alone_gets_its_key():
    contact = _make_old(unicodedata.normalize("NFD", UNICODE))

    _migrate("0005_one_contact_per_mailbox", "bring_spellings_together")

    assert not ContactMerge.objects.exists()
    assert Contact.objects.with_email(PUNYCODE).get() == contact


@pytest.mark.django_db
def test_old_ids_lose_their_fraction():
    def keep(contact, value):
        return ContactIdentifier.objects.create(
            contact=contact, site_id="1", kind="user_id", value=value
        )

    alone, one, other, ann, bob = [make_contact() for _ in range(3)] + [
        make_contact(email="ann@example.com"),
        make_contact(email="bob@example.com"),
    ]
    kept = keep(alone, "7.0")
    for contact, value in ((one, "8"), (other, "8.0"), (ann, "9"), (bob, "9.00"), (bob, "1.05")):
        keep(contact, value)

    _migrate("0006_ids_without_a_fraction", "bring_ids_together")

    kept.refresh_from_db()
    assert kept.value == "7"
    merges = ContactMerge.objects.order_by("survivor")
    assert list(merges.values_list("survivor", "loser", "status")) == [
        (one.pk, other.pk, "pending"),
        (ann.pk, bob.pk, "review"),
    ]


@pytest.mark.django_db
def test_old_ids_of_browsers_that_were_kept_twice_are_asked_to_be_merged():
    one, other, third = (make_contact() for _ in range(3))
    for contact, value in ((one, "77"), (other, "77.0"), (third, "78"), (third, "78.0")):
        ContactIdentifier.objects.create(
            contact=contact, site_id="1", kind="anonymous_id", value=value
        )

    _migrate("0008_anonymous_ids_without_a_fraction", "ask_to_merge_browsers")

    merge = ContactMerge.objects.get()
    assert (merge.survivor, merge.loser, merge.status) == (one, other, "pending")
