"""Mail servers that take a group of commands at once (RFC 2920), and those that do not."""

import pytest

from automations.models import Email, EmailEvent
from tests.automations import mailbox as does
from tests.automations.emails import make_email, send, send_again_later, state_of

pytestmark = [pytest.mark.django_db]


@pytest.fixture(autouse=True)
def in_a_row(settings):
    settings.EMAIL_TIMEOUT = 2
    settings.EMAIL_CONNECTIONS = 1


@pytest.fixture
def pipelining(mailbox):
    """A mail server that offers it."""
    mailbox.offers.append("PIPELINING")
    return mailbox


def test_commands_go_together_where_a_mail_server_offers_it(pipelining):
    emails = [make_email() for _ in range(3)]

    send()

    assert pipelining.count_by_id() == {email.message_id: 1 for email in emails}
    assert pipelining.sent_ahead == [2, 2, 2]  # RCPT and DATA
    assert pipelining.connections == 1


def test_commands_go_one_by_one_where_it_does_not(mailbox):
    email = make_email()

    send()

    assert mailbox.count_by_id() == {email.message_id: 1}
    assert mailbox.sent_ahead == [0]


@pytest.mark.parametrize("is_lax", [False, True])
def test_a_refused_recipient_in_a_group_costs_no_other_email(pipelining, is_lax):
    pipelining.is_lax = is_lax
    pipelining.on_recipient.append("550 5.1.1 No such user")
    refused, other = make_email(), make_email()

    send()

    assert (state_of(refused).status, state_of(refused).reason) == (
        "failed",
        "550 5.1.1 No such user",
    )
    assert EmailEvent.objects.get(email=refused, kind="bounced").severity == "hard"
    assert state_of(other).status == "sent"
    assert pipelining.count_by_id() == {other.message_id: 1}
    # A mail server that waits for the message gets an empty one, for nobody.
    assert pipelining.unwanted == [b""] * is_lax
    assert pipelining.connections == 1


def test_a_recipient_that_is_put_off_in_a_group_waits(pipelining):
    pipelining.on_recipient.append("451 4.7.1 Greylisted")
    email = make_email()

    send()

    assert (state_of(email).status, state_of(email).last_error) == (
        "prepared",
        "451 4.7.1 Greylisted",
    )
    send_again_later()
    assert pipelining.count_by_id() == {email.message_id: 1}


@pytest.mark.parametrize("is_lax", [False, True])
def test_a_refused_sender_in_a_group_sends_nobody_an_empty_email(pipelining, is_lax):
    pipelining.is_lax = is_lax
    pipelining.on_sender.append("550 5.7.1 Not from you")
    refused, other = make_email(), make_email()

    send()

    assert (state_of(refused).status, state_of(refused).reason) == (
        "failed",
        "550 5.7.1 Not from you",
    )
    # It says nothing about the recipient.
    assert not EmailEvent.objects.filter(email=refused).exists()
    assert pipelining.count_by_id() == {other.message_id: 1}
    assert pipelining.unwanted == []


@pytest.mark.parametrize("where", ["on_sender", "on_recipient"])
def test_a_connection_that_breaks_within_a_group_costs_nothing(pipelining, where):
    getattr(pipelining, where).append(does.HANGS_UP)
    email, other = make_email(), make_email()

    send()

    assert pipelining.count_by_id() == {email.message_id: 1, other.message_id: 1}
    assert set(Email.objects.values_list("status", "times_uncertain", "attempts")) == {
        ("sent", 0, 0)
    }


@pytest.mark.parametrize("where", ["on_sender", "on_recipient"])
def test_a_mail_server_that_ends_within_a_group_has_no_email(pipelining, where):
    getattr(pipelining, where).append("421 4.3.2 I go")
    email = make_email()

    send()

    assert pipelining.count_by_id() == {email.message_id: 1}
    assert (state_of(email).status, state_of(email).times_uncertain) == ("sent", 0)
    assert pipelining.connections == 2


def test_without_an_answer_to_the_message_it_is_uncertain_as_ever(pipelining):
    pipelining.on_data.append(does.KEEPS_AND_HANGS_UP)
    email = make_email()

    send()
    send_again_later()

    assert (state_of(email).status, state_of(email).times_uncertain) == ("sent", 1)
    assert pipelining.count_by_id() == {email.message_id: 2}
