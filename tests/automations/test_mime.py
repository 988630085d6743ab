"""Messages as they go to mail servers, beside what Django makes of the same."""

import email
import email.policy

import pytest

from automations.emails.messages import build_message
from automations.emails.mime import bytes_of
from automations.models import Email

LONG = "A sentence that goes on. " * 60


def message_of(**fields):
    given = {
        "contact_id": 1,
        "message_id": "0a1b@alder.example",
        "sender": "Alder Bank <hub@alder.example>",
        "subject": "Your file",
        "html": "<p>It is here.</p>\n",
        "text": "It is here.\n",
        "is_transactional": True,
        **fields,
    }
    unsubscribe = "" if given["is_transactional"] else f"https://hub.example/{'x' * 120}"
    return build_message(Email(**given), to="ada@example.com", unsubscribe=unsubscribe)


def read(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def as_read(raw):
    """Headers and texts, without what differs each time, or says how the rest is encoded."""
    message = read(raw)
    assert not message.defects
    headers = {
        name: str(value).strip()
        for name, value in message.items()
        if name not in ("Date", "Content-Type", "Content-Transfer-Encoding")
    }
    parts = [part for part in message.walk() if not part.is_multipart()]
    texts = [(part.get_content_type(), part.get_content().rstrip("\n")) for part in parts]
    return message.get_content_type(), headers, texts


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"html": ""},
        {"is_transactional": False},
        {"reply_to": "help@alder.example"},
        {"reply_to": "Hilfe für alle <help@alder.example>"},
        {"sender": "Bücher Łódź <hub@alder.example>"},
        {"sender": '"Alder, Bank" <hub@alder.example>'},
        {"sender": f"{'Bank ' * 30}<hub@alder.example>"},
        {"subject": "Grüße 👋"},
        {"subject": "Long " * 40},
        {"subject": "Ü" * 200},
        {"subject": "=?utf-8?q?looks_encoded?="},
        {"text": f"{LONG}\n{LONG}é = 1 \n", "html": f"<p>{LONG}</p>"},
        {"text": "Schöne Grüße\n.\n..\nEnde \n", "html": "<p>Schöne 👋 Grüße</p>\n.\n"},
        {"text": f"{LONG}\n.\n.{LONG}\n"},
        {"text": "One\r\nTwo\rThree\nFour", "html": f"\rOne {LONG}\r\nTwo\rThree"},
        {"text": "\n\n", "html": " \t \n"},
        {"text": "From here on\n--\nFrom there on\n"},
    ],
)
def test_a_message_reads_as_that_of_django(fields):
    message = message_of(**fields)

    assert as_read(bytes_of(message)) == as_read(message.message().as_bytes(linesep="\r\n"))


@pytest.mark.parametrize("text", ["é" * 600, LONG * 3, f"{LONG}\r{LONG}", "one\n" * 2])
def test_no_line_is_longer_than_mail_servers_take_and_all_end_alike(text):
    raw = bytes_of(message_of(text=text, html=text))

    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    without_ends = raw.replace(b"\r\n", b"")
    assert b"\r" not in without_ends
    assert b"\n" not in without_ends


def test_the_date_is_that_of_writing():
    assert read(bytes_of(message_of()))["Date"].datetime is not None


@pytest.mark.parametrize("field", ["subject", "text", "html", "sender"])
def test_no_message_is_made_of_half_a_character(field):
    broken = message_of(**{field: "half \ud83d <hub@alder.example>"})

    with pytest.raises(ValueError, match="surrogates not allowed"):
        bytes_of(broken)


def test_a_header_that_the_hub_makes_cannot_have_a_further_line():
    message = message_of()
    message.extra_headers["Message-ID"] = "<a>\r\nBcc: everybody@example.com"

    with pytest.raises(ValueError, match="The header Message-ID has a character"):
        bytes_of(message)
