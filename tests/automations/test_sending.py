"""Sending: what a mail server gets, and what becomes of an email whatever the mail server does."""

from datetime import UTC, timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from automations.emails import noting
from automations.emails.noting import note_sent
from automations.emails.sending_again import send_again
from automations.emails.smtp import SmtpLine
from automations.models import Email, EmailEvent, Suppression
from consents.agreements import record_agreement
from tests.automations import mailbox as does
from tests.automations.emails import make_email, send, send_again_later, state_of
from tests.factories import make_consent, make_contact

pytestmark = [pytest.mark.django_db]


@pytest.fixture(autouse=True)
def quick(settings):
    settings.EMAIL_TIMEOUT = 0.3
    # In a row, so that it is known which email the mail server does what with.
    settings.EMAIL_CONNECTIONS = 1


def agreeing(consent, **fields):
    contact = make_contact(**{"email": "ada@example.com", **fields})
    record_agreement(contact, consent, agreed=True)
    return contact


def test_a_mail_server_gets_the_email_once_with_its_headers(mailbox):
    email = make_email(make_contact(email="ada@example.com"), reply_to="help@alder.example")

    send()
    send_again_later()

    (got,) = mailbox.received
    message = got.message
    assert (got.sender, got.to) == ("hub@alder.example", ["ada@example.com"])
    assert message["From"] == "Alder Bank <hub@alder.example>"
    assert message["To"] == "ada@example.com"
    assert message["Reply-To"] == "help@alder.example"
    assert message["Subject"] == "Your file"
    assert message["Message-ID"] == f"<{email.message_id}>"
    assert abs(message["Date"].datetime.replace(tzinfo=UTC) - timezone.now()) < timedelta(minutes=1)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None
    assert (got.text.strip(), got.html.strip()) == ("It is here.", "<p>It is here.</p>")
    sent = state_of(email)
    assert (sent.status, sent.reason, sent.times_uncertain) == ("sent", "", 0)
    assert list(sent.events.values_list("kind", flat=True)) == ["sent"]


def test_an_email_with_a_consent_has_one_click_unsubscribing(mailbox):
    consent = make_consent("Newsletter", name="Newsletter")
    make_email(agreeing(consent), consent=consent)

    send()

    message = mailbox.received[0].message
    assert message["List-Unsubscribe"].strip().startswith("<http://localhost")
    assert "/email/unsubscribe/" in message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] is None


def test_names_and_domains_in_other_scripts_are_written_as_mail_servers_read_them(mailbox):
    make_email(
        make_contact(email="ada@bücher.example"),
        sender="Bücher Łódź <hub@xn--bcher-kva.example>",
        subject="Grüße 👋",
        text="Schöne Grüße\n.\nEnde\n",
    )

    send()

    (got,) = mailbox.received
    assert got.to == ["ada@xn--bcher-kva.example"]
    assert got.message["From"].addresses[0].display_name == "Bücher Łódź"
    assert got.message["Subject"] == "Grüße 👋"
    assert got.text.splitlines() == ["Schöne Grüße", ".", "Ende"]


@pytest.mark.parametrize("field", ["subject", "sender", "reply_to"])
def test_a_line_break_cannot_begin_a_header(mailbox, field):
    email = make_email(**{field: "hub@alder.example\r\nBcc: everybody@example.com"})

    send()

    assert mailbox.received == []
    assert state_of(email).status == "held"


def test_it_goes_to_the_address_that_the_contact_has_now(mailbox):
    contact = make_contact(email="old@example.com")
    email = make_email(contact)
    contact.email = "new@example.com"
    contact.save()

    send()

    assert mailbox.received[0].to == ["new@example.com"]
    assert state_of(email).recipient == "new@example.com"


def test_an_address_without_a_domain_is_held_back(mailbox):
    email = make_email(make_contact(email="ada"))

    send()

    assert mailbox.received == []
    held = state_of(email)
    assert (held.status, held.reason) == (
        "held",
        "The address has no domain: it needs an @ with a name behind it.",
    )


def test_who_has_revoked_since_it_was_prepared_gets_none(mailbox):
    consent = make_consent("Newsletter", name="Newsletter")
    contact = agreeing(consent)
    email = make_email(contact, consent=consent)
    record_agreement(contact, consent, agreed=False)

    send()
    send_again_later()

    assert mailbox.received == []
    assert state_of(email).status == "held"
    assert "revoked" in state_of(email).reason


def test_an_email_whose_consent_was_deleted_is_no_transactional_one(mailbox):
    email = make_email(is_transactional=False)

    send()

    assert mailbox.received == []
    assert state_of(email).reason == "The consent that the email needs was deleted."


def test_many_emails_go_over_few_connections(mailbox, settings):
    settings.EMAIL_CONNECTIONS = 3
    emails = [make_email() for _ in range(60)]

    send()

    assert mailbox.count_by_id() == {email.message_id: 1 for email in emails}
    assert mailbox.connections == 3
    assert not Email.objects.exclude(status="sent").exists()


def test_what_is_put_off_is_tried_again_with_pauses_that_grow(mailbox):
    mailbox.on_data += ["451 4.7.1 Greylisted, come back later"] * 2
    email = make_email()

    send()

    first = state_of(email)
    assert (first.status, first.attempts) == ("prepared", 1)
    assert first.last_error == "451 4.7.1 Greylisted, come back later"
    assert first.due_at - first.handed_over_at >= timedelta(seconds=60)
    send_again_later()
    second = state_of(email)
    assert second.due_at - second.handed_over_at >= timedelta(seconds=120)
    send_again_later()
    assert state_of(email).status == "sent"
    assert mailbox.count_by_id() == {email.message_id: 1}


def test_what_is_put_off_for_three_days_has_failed(mailbox):
    mailbox.on_recipient.append("450 4.2.1 Not now, <ada@example.com>")
    since = timezone.now() - timedelta(days=3, minutes=1)
    email = make_email(put_off_since=since)

    send()

    failed = state_of(email)
    assert failed.status == "failed"
    assert failed.reason == (
        "The mail server has put the email off for three days: 450 4.2.1 Not now, <…>"
    )


def test_three_days_of_being_put_off_begin_when_the_mail_server_says_so_first(mailbox):
    mailbox.on_recipient += ["450 4.2.1 Not now"] * 2
    email = make_email(prepared_at=timezone.now() - timedelta(days=4))

    send()

    first = state_of(email)
    assert (first.status, first.attempts) == ("prepared", 1)
    assert timezone.now() - first.put_off_since < timedelta(minutes=1)
    send_again_later()
    second = state_of(email)
    assert (second.attempts, second.put_off_since) == (2, first.put_off_since)
    send_again_later()
    assert (state_of(email).status, state_of(email).put_off_since) == ("sent", None)


def test_an_email_that_a_user_sends_again_has_three_days_more(mailbox):
    mailbox.on_recipient.append("450 4.2.1 Not now")
    since = timezone.now() - timedelta(days=4)
    email = make_email(status="failed", reason="451 Later", put_off_since=since)

    send_again(email)
    send()

    again = state_of(email)
    assert again.status == "prepared"
    assert timezone.now() - again.put_off_since < timedelta(minutes=1)


def test_what_is_found_to_be_sent_is_put_off_no_more():
    email = make_email(put_off_since=timezone.now())

    note_sent([email], timezone.now())

    assert (state_of(email).status, state_of(email).put_off_since) == ("sent", None)


@pytest.mark.parametrize(
    ("says", "is_suppressed"),
    [
        ("550 5.1.1 No such user", True),
        ("550 No such user", True),
        ("552 5.2.2 Mailbox full", False),
        ("552 5.3.4 Message too big", False),
        ("554 5.7.1 We do not like you", False),
    ],
)
def test_a_refused_recipient_is_suppressed_if_there_is_no_such_address(
    mailbox, says, is_suppressed
):
    mailbox.on_recipient.append(says)
    contact = make_contact(email="Ada@example.com")
    email, other = make_email(contact), make_email()

    send()

    assert (state_of(email).status, state_of(email).reason) == ("failed", says)
    assert state_of(other).status == "sent"
    assert EmailEvent.objects.get(email=email).kind == "bounced"
    assert Suppression.objects.filter(email_key="ada@example.com").exists() == is_suppressed
    later = make_email(contact)
    send()
    assert state_of(later).status == ("held" if is_suppressed else "sent")


def test_refused_contents_say_nothing_about_the_address(mailbox):
    mailbox.on_data.append("554 5.6.0 We do not like this email")
    email = make_email()

    send()

    assert state_of(email).status == "failed"
    assert not Suppression.objects.exists()
    assert not EmailEvent.objects.exists()


def test_a_connection_that_breaks_before_the_email_is_there_costs_nothing(mailbox):
    mailbox.on_recipient.append(does.HANGS_UP)
    email = make_email()

    send()

    assert mailbox.count_by_id() == {email.message_id: 1}
    sent = state_of(email)
    assert (sent.status, sent.times_uncertain, sent.attempts) == ("sent", 0, 0)


def test_a_connection_that_breaks_each_time_has_the_email_wait(mailbox):
    mailbox.on_recipient += [does.HANGS_UP] * 2
    email = make_email()

    send()

    waiting = state_of(email)
    assert (waiting.status, waiting.times_uncertain, waiting.attempts) == ("prepared", 0, 1)


@pytest.mark.parametrize("what", [does.HANGS_UP, does.KEEPS_AND_HANGS_UP, does.KEEPS_AND_IS_SILENT])
def test_without_an_answer_other_mail_is_uncertain_and_not_sent_again(mailbox, what):
    consent = make_consent("Newsletter")
    mailbox.on_data.append(what)
    email = make_email(agreeing(consent), consent=consent)

    send()
    send_again_later()

    uncertain = state_of(email)
    assert (uncertain.status, uncertain.times_uncertain) == ("uncertain", 1)
    assert uncertain.uncertain_at is not None
    assert uncertain.reason.startswith("The mail server has not said whether it took the email.")
    assert sum(mailbox.count_by_id().values()) == (what != does.HANGS_UP)


@pytest.mark.parametrize("what", [does.HANGS_UP, does.KEEPS_AND_HANGS_UP])
def test_without_an_answer_transactional_mail_is_sent_again_and_stays_counted(mailbox, what):
    mailbox.on_data.append(what)
    email = make_email()

    send()
    send_again_later()

    sent = state_of(email)
    assert (sent.status, sent.times_uncertain) == ("sent", 1)
    assert mailbox.count_by_id() == {email.message_id: 1 if what == does.HANGS_UP else 2}


def test_transactional_mail_that_stays_uncertain_is_not_sent_for_ever(mailbox):
    mailbox.on_data += [does.KEEPS_AND_HANGS_UP] * 9
    email = make_email()

    for _ in range(6):
        send_again_later()

    assert (state_of(email).status, state_of(email).times_uncertain) == ("uncertain", 3)
    assert mailbox.count_by_id() == {email.message_id: 3}


def test_a_mail_server_that_hangs_up_after_its_answer_has_the_email(mailbox, settings):
    settings.EMAIL_CONNECTIONS = 1
    mailbox.on_data += [does.TAKES_AND_HANGS_UP] * 3
    emails = [make_email() for _ in range(6)]

    send()

    assert mailbox.count_by_id() == {email.message_id: 1 for email in emails}
    assert set(Email.objects.values_list("status", "times_uncertain")) == {("sent", 0)}


def test_a_slow_answer_is_waited_for(mailbox):
    mailbox.on_data.append(1.0)
    email = make_email()

    send()

    assert (state_of(email).status, state_of(email).times_uncertain) == ("sent", 0)


def test_a_mail_server_that_is_away_costs_no_email(mailbox):
    port = mailbox.port
    mailbox.stop()
    emails = [make_email() for _ in range(20)]

    send()

    waiting = Email.objects.all()
    assert set(waiting.values_list("status", "attempts")) == {("prepared", 0)}
    assert all("refused" in email.last_error for email in waiting)
    with does.mail_server(port) as back:
        send_again_later()
        assert back.count_by_id() == {email.message_id: 1 for email in emails}


def test_an_email_whose_worker_died_is_uncertain_when_its_lease_ends(mailbox):
    consent = make_consent("Newsletter")
    now = timezone.now()
    dead = {"status": "handing_over", "handed_over_at": now}
    marketing = make_email(agreeing(consent), consent=consent, **dead)
    asked_for = make_email(**dead)
    Email.objects.update(due_at=now + timedelta(minutes=2))
    send()
    assert mailbox.received == []

    Email.objects.update(due_at=Now())
    send()
    send_again_later()

    assert (state_of(marketing).status, state_of(marketing).times_uncertain) == ("uncertain", 1)
    assert state_of(marketing).reason == "A worker ended while it handed the email over."
    assert (state_of(asked_for).status, state_of(asked_for).times_uncertain) == ("sent", 1)
    assert mailbox.count_by_id() == {asked_for.message_id: 1}


def test_uncertain_emails_show_as_such_and_as_nothing_else(mailbox):
    mailbox.on_data.append(does.KEEPS_AND_HANGS_UP)
    make_email()
    make_email()

    send()
    send_again_later()

    assert Email.objects.filter(times_uncertain__gt=0).count() == 1


def test_emails_come_back_to_the_address_for_bounces(mailbox, settings):
    settings.BOUNCE_ADDRESS = "bounces@bücher.example"
    make_email()

    send()

    (got,) = mailbox.received
    assert got.sender == "bounces@xn--bcher-kva.example"
    assert got.message["From"] == "Alder Bank <hub@alder.example>"


def test_what_goes_wrong_with_one_email_costs_no_other(mailbox, monkeypatch):
    broken, other = make_email(subject="Broken"), make_email()
    hand_over = SmtpLine.hand_over

    def fail(line, message):
        if message.subject == "Broken":
            raise ZeroDivisionError
        return hand_over(line, message)

    monkeypatch.setattr(SmtpLine, "hand_over", fail)
    monkeypatch.setattr(noting, "MOST_TIMES_UNCERTAIN", 1)

    send()

    assert state_of(broken).status == "uncertain"
    assert "ZeroDivisionError" in state_of(broken).reason
    assert state_of(other).status == "sent"


@pytest.mark.parametrize(
    "address", ["a<ada@example.com", "a@b@example.com", "a,b@example.com", "a(b@example.com"]
)
def test_what_a_header_would_read_as_another_address_is_held_back(mailbox, address):
    email = make_email(make_contact(email=address))

    send()

    assert mailbox.received == []
    assert state_of(email).status == "held"
    assert "a character that mail servers do not take" in state_of(email).reason


def test_an_address_that_is_too_long_in_ascii_is_held_back(mailbox):
    domain = ".".join(["ü" * 50] * 4) + ".example"
    email = make_email(make_contact(email=f"{'a' * 30}@{domain}"))

    send()

    assert mailbox.received == []
    assert state_of(email).status == "held"
    assert "more than 254 characters" in state_of(email).reason
