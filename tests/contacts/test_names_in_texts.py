"""Emails and GUIDs in texts: found however they are written, and replaced if they are of others."""

import pytest

from contacts.names_in_texts import Others, as_compared, names_in, replaced
from contacts.telling import OTHERS, person_of
from tests.factories import make_contact

GUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
BOB = "bob@example.com"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"Ask {BOB}, or {GUID}.", [GUID, BOB]),
        (f"Ask {BOB.upper()}.", [BOB]),
        (f"'{BOB}'", [BOB]),
        ("?q=mail%20bob%40example.com&x", [BOB]),
        ("?q=bob%2Bnews@example.com", ["bob+news@example.com"]),
        (r'{"text": "a\nbob@example.com"}', [BOB]),
        (r"\u003cbob@example.com\u003e", [BOB]),
        (f"/{GUID.replace('-', '').upper()}/", [GUID]),
        ("ünï@exämple.com", ["ünï@xn--exmple-cua.com"]),
        (f"a{GUID}", []),
        ("@example.com, bob@, 100%40x", []),
        ("", []),
    ],
)
def test_names_are_found_however_they_are_written(text, names):
    assert [as_compared(name) for name in names_in(text)] == names


@pytest.mark.django_db
def test_names_of_other_contacts_are_replaced_and_no_others():
    contact, other = make_contact(email="ada@example.com"), make_contact(email=BOB)
    others = Others(person_of(contact.pk))
    text = f"{contact.guid} {other.guid} ADA@example.com bob%40example.com a@example.org {GUID}"

    learnt = others.learn(names_in(text))

    assert learnt == {str(other.guid), "bob%40example.com"}
    assert replaced({"a": [text, 7, None]}, others.is_other) == {
        "a": [
            f"{contact.guid} {OTHERS} ADA@example.com {OTHERS} a@example.org {GUID}",
            7,
            None,
        ]
    }
