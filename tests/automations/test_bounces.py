"""What comes back, and who complains: it is noted with the email, and suppresses the address."""

import imaplib
import io
import json
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automations.emails.bounce_mailbox import fetch_bounces
from automations.emails.mailbox_address import read_mailbox_url
from automations.emails.receiving import receive
from automations.emails.severity import severity_of
from automations.management.commands import receive_bounces
from automations.models import EmailEvent, Suppression
from tests.automations.emails import make_email, send, state_of
from tests.automations.reports import ANSWER, WITHOUT_ORIGINAL, bounce, complaint
from tests.config.hub import free_port, wait_until
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def sent(contact=None, **fields):
    return make_email(contact, status="sent", sent_at=timezone.now(), **fields)


def events_of(email):
    return list(email.events.values_list("kind", "severity"))


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        ("5.1.1", "hard"),
        ("5.1.10", "hard"),
        ("5.2.1", "hard"),
        ("5.4.4", "hard"),
        ("5.0.0", "hard"),
        ("5.2.2", "soft"),
        ("4.2.2", "soft"),
        ("4.4.7", "soft"),
        ("5.4.7", "soft"),
        ("5.7.1", "soft"),
        ("5.2.3", "other"),
        ("5.3.4", "other"),
    ],
)
def test_codes_say_how_bad_it_is(code, severity):
    assert severity_of(code) == severity


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
def test_a_hard_bounce_suppresses_the_address(kind):
    email = sent(make_contact(email="Ada@example.com"))

    received = receive(bounce(email, kind=kind))

    assert vars(received) == {"bounces": 1, "complaints": 0, "unknown": 0}
    event = email.events.get()
    assert (event.kind, event.severity) == ("bounced", "hard")
    assert event.detail == "550 5.1.1 <…>: No such user"
    assert Suppression.objects.get().email_key == "ada@example.com"
    assert state_of(email).status == "sent"


def test_a_report_that_comes_twice_counts_once():
    email = sent()

    receive(bounce(email))
    receive(bounce(email))

    assert events_of(email) == [("bounced", "hard")]


def test_who_bounced_hard_gets_no_further_email(mailbox):
    contact = make_contact(email="ada@example.com")
    receive(bounce(sent(contact)))
    email = make_email(contact)

    send()

    assert mailbox.received == []
    assert state_of(email).status == "held"


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded"])
def test_what_is_still_on_its_way_is_no_bounce(action):
    email = sent()

    received = receive(bounce(email, action=action, said="450 4.4.1 Later"))

    assert received.unknown == 1
    assert events_of(email) == []


def test_five_soft_bounces_in_a_row_suppress():
    contact = make_contact(email="ada@example.com")
    full = "552 5.2.2 Mailbox full"

    for _ in range(4):
        receive(bounce(sent(contact), said=full))
    sent(contact)  # which does not come back
    for _ in range(4):
        receive(bounce(sent(contact), said=full))
    assert not Suppression.objects.exists()
    receive(bounce(sent(contact), said=full))

    assert Suppression.objects.get().email_key == "ada@example.com"


def test_emails_that_were_too_large_never_count():
    contact = make_contact(email="ada@example.com")

    for _ in range(6):
        receive(bounce(sent(contact), said="552 5.3.4 Too large"))
    for _ in range(4):
        receive(bounce(sent(contact), said="552 5.2.2 Mailbox full"))

    assert not Suppression.objects.exists()
    assert EmailEvent.objects.filter(severity="other").count() == 6


def test_bounces_of_another_address_do_not_count():
    contact = make_contact(email="old@example.com")
    for _ in range(4):
        receive(bounce(sent(contact), said="552 5.2.2 Mailbox full"))
    contact.email = "new@example.com"
    contact.save()

    receive(bounce(sent(contact), said="552 5.2.2 Mailbox full"))

    assert not Suppression.objects.exists()


def test_a_bounce_without_the_email_leads_to_the_latest_to_that_address():
    contact = make_contact(email="ada@bücher.example")
    sent(contact)
    latest = sent(contact)

    receive(WITHOUT_ORIGINAL.format(recipient="ada@xn--bcher-kva.example").encode())

    assert events_of(latest) == [("bounced", "hard")]
    assert Suppression.objects.count() == 1


def test_a_made_up_bounce_of_an_address_without_recent_emails_does_nothing():
    contact = make_contact(email="ada@example.com")
    make_email(contact, status="sent", sent_at=timezone.now() - timedelta(days=8))

    received = receive(WITHOUT_ORIGINAL.format(recipient="ada@example.com").encode())

    assert received.unknown == 1
    assert not Suppression.objects.exists()


def test_a_complaint_suppresses_the_address():
    email = sent()

    received = receive(complaint(email))
    receive(complaint(email))

    assert vars(received) == {"bounces": 0, "complaints": 1, "unknown": 0}
    assert events_of(email) == [("complained", "")]
    assert Suppression.objects.get().reason == "complained"


def test_a_reader_who_says_that_it_is_no_spam_does_not_complain():
    email = sent()

    assert receive(complaint(email, kind="not-spam")).unknown == 1
    assert events_of(email) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00nonsense",
        b"Content-Type: multipart/report; boundary=x\n\n--x",
        b"Content-Type: message/delivery-status\n\n\x00\xff: y",
        b"Content-Type: message/rfc822\n\n",
        ANSWER.encode(),
    ],
)
def test_what_is_no_report_is_counted_as_unknown(raw):
    sent()

    assert vars(receive(raw)) == {"bounces": 0, "complaints": 0, "unknown": 1}


def pipe(raw, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    call_command("receive_bounces")
    return json.loads(capsys.readouterr().out)


def test_a_mail_server_pipes_bounces_to_a_command(monkeypatch, capsys):
    email = sent()

    assert pipe(bounce(email), monkeypatch, capsys)["bounces"] == 1
    assert pipe(b"no report", monkeypatch, capsys)["unknown"] == 1
    assert events_of(email) == [("bounced", "hard")]


def test_a_bounce_that_cannot_be_stored_is_handed_over_again(monkeypatch, capsys):
    def away(raw):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(receive_bounces, "receive", away)
    with pytest.raises(SystemExit) as end:
        pipe(b"", monkeypatch, capsys)
    assert end.value.code == 75


@contextmanager
def imap_server():
    """A real IMAP server, and a connection to its mailbox."""
    port = free_port()
    command = [
        sys.executable,
        "-c",
        "import pymap.main as m; m.main()",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    command += ["--no-tls", "dict", "--demo-user", "bounces@alder.example"]
    command += ["--demo-password", "p/w:1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield port, wait_until(lambda: _log_in(port))
    finally:
        server.kill()
        server.wait(timeout=30)


def _log_in(port):
    try:
        connection = imaplib.IMAP4("127.0.0.1", port, timeout=10)
    except OSError:
        return None
    connection.login("bounces@alder.example", "p/w:1")
    return connection


def test_bounces_are_fetched_from_a_mailbox_once(settings, capsys):
    emails = [sent() for _ in range(3)]
    with imap_server() as (port, mailbox):
        settings.BOUNCE_MAILBOX_URL = f"imap://bounces%40alder.example:p%2Fw%3A1@127.0.0.1:{port}"
        for raw in (bounce(emails[0]), complaint(emails[1]), ANSWER.encode()):
            mailbox.append("INBOX", None, None, raw)

        call_command("fetch_bounces")
        assert json.loads(capsys.readouterr().out) == {
            "bounces": 1,
            "complaints": 1,
            "unknown": 1,
        }
        assert vars(fetch_bounces()) == {"bounces": 0, "complaints": 0, "unknown": 0}
        mailbox.append("INBOX", None, None, bounce(emails[2]))
        assert fetch_bounces().bounces == 1
        mailbox.logout()
    assert [events_of(email) for email in emails] == [
        [("bounced", "hard")],
        [("complained", "")],
        [("bounced", "hard")],
    ]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("imap://bounces%40alder.example:wrong@127.0.0.1:{port}", "cannot be read"),
        (
            "imap://bounces%40alder.example:p%2Fw%3A1@127.0.0.1:{port}/Nowhere",
            "no folder “Nowhere”",
        ),
        ("imap://bounces%40alder.example:p%2Fw%3A1@127.0.0.1:1", "cannot be reached"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_an_error_that_says_why(settings, url, says):
    with imap_server() as (port, mailbox):
        mailbox.logout()
        settings.BOUNCE_MAILBOX_URL = url.format(port=port)
        with pytest.raises(CommandError, match=says) as error:
            call_command("fetch_bounces")
    assert "wrong" not in str(error.value)


def test_the_mailbox_is_read_from_a_url():
    address = read_mailbox_url("imaps://b%40alder.example:p%2Fw@mail.example.com/Bounces")

    assert (address.is_encrypted, address.host, address.port) == (True, "mail.example.com", 993)
    assert (address.user, address.password) == ("b@alder.example", "p/w")
    assert address.folder == "Bounces"
    assert read_mailbox_url("") is None


@pytest.mark.parametrize(
    "url", ["pop3://a:secret@host", "imaps://host", "imaps://a:secret@host:many", "secret"]
)
def test_a_mailbox_url_that_is_none_is_refused_without_showing_the_password(url):
    with pytest.raises(ImproperlyConfigured, match="BOUNCE_MAILBOX_URL") as error:
        read_mailbox_url(url)
    assert "secret" not in str(error.value)


def test_without_a_mailbox_nothing_is_fetched(settings):
    settings.BOUNCE_MAILBOX_URL = ""

    assert vars(fetch_bounces()) == {"bounces": 0, "complaints": 0, "unknown": 0}
    with pytest.raises(CommandError, match="BOUNCE_MAILBOX_URL"):
        call_command("fetch_bounces")


def test_a_nul_in_a_report_costs_nothing():
    email = sent()

    receive(bounce(email, said="550 5.1.1 No\0 such user"))

    assert email.events.get().detail == "550 5.1.1 No such user"
    assert receive(bounce(email, message_id="\0x")).bounces == 1


def test_a_message_that_python_cannot_read_is_counted_as_unknown():
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
        for number in range(3_000)
    )

    assert vars(receive(nested)) == {"bounces": 0, "complaints": 0, "unknown": 1}


def test_a_report_locks_the_contact_before_the_email():
    email = sent()

    with CaptureQueriesContext(connection) as queries:
        receive(bounce(email))

    locks = [query["sql"] for query in queries if " FOR " in query["sql"]]
    assert "FOR KEY SHARE OF contact" in locks[0]
    assert "FOR NO KEY UPDATE" in locks[1]
