"""A round of sending: the database goes away in it, workers share their turns, and tell in time."""

import time
from functools import partial
from threading import Barrier

import psycopg
import pytest
from django.db import DataError, OperationalError
from django.utils import timezone

from automations.emails import noting, rounds, sending
from automations.emails.handing_over import Outcome, Result
from automations.jobs import TRANSACTIONAL_EMAILS
from automations.models import Email
from config.pools import close_connections
from consents.agreements import record_agreement
from jobs.working import stopping, work_off
from tests.automations.emails import make_email, send, state_of
from tests.automations.mailbox import TAKEN
from tests.config.hub import url_of_database
from tests.factories import make_consent, make_contact
from tests.threads import run_at_once


def break_connections(url):
    """Have PostgreSQL end all other connections to this database."""
    with psycopg.connect(url) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    return TAKEN


@pytest.mark.django_db(transaction=True)
def test_what_the_mail_server_said_is_noted_when_the_database_is_back(mailbox):
    email = make_email()
    mailbox.on_data.append(partial(break_connections, url_of_database()))

    with pytest.raises(OperationalError):
        work_off(TRANSACTIONAL_EMAILS)

    # Those that waited in the pool are broken, too.
    close_connections()
    assert (state_of(email).status, state_of(email).times_uncertain) == ("sent", 0)
    assert mailbox.count_by_id() == {email.message_id: 1}


@pytest.mark.django_db
def test_what_the_mail_server_said_is_noted_although_the_database_refuses_more(
    mailbox, settings, monkeypatch
):
    settings.EMAIL_CONNECTIONS = 1
    first, second = make_email(), make_email()
    mark_all = rounds.mark

    def refuse_second(emails, taken):
        if second.pk in [email.pk for email in emails]:
            Email.objects.filter(pk=second.pk).update(recipient="x" * 300)
        return mark_all(emails, taken)

    monkeypatch.setattr(rounds, "mark", refuse_second)

    with pytest.raises(DataError):
        rounds.Round([first.pk, second.pk], is_transactional=True).run()

    assert (state_of(first).status, state_of(second).status) == ("sent", "prepared")
    assert mailbox.count_by_id() == {first.message_id: 1}


@pytest.mark.django_db
def test_a_second_thread_leaves_the_work_to_the_first(mailbox, monkeypatch):
    email = make_email()
    rung = []
    monkeypatch.setattr(sending, "ring_for_emails", rung.append)

    with sending._turn(True) as is_mine:
        assert is_mine
        send()
        assert mailbox.received == []
        assert rung == []

    assert rung == [True]
    assert state_of(email).status == "prepared"
    send()
    assert len(mailbox.received) == 1


@pytest.mark.django_db
def test_a_worker_that_is_told_to_end_begins_no_further_email(mailbox, settings):
    settings.EMAIL_CONNECTIONS = 1

    def end():
        stopping.set()
        return TAKEN

    mailbox.on_data.append(end)
    for _ in range(3):
        make_email()
    try:
        send()
    finally:
        stopping.clear()

    assert len(mailbox.received) == 1
    assert sorted(Email.objects.values_list("status", flat=True)) == [
        "prepared",
        "prepared",
        "sent",
    ]
    send()
    assert len(mailbox.received) == 3


@pytest.mark.django_db
def test_a_slow_mail_server_does_not_keep_a_worker_for_long(mailbox, settings, monkeypatch):
    settings.EMAIL_CONNECTIONS = 1
    monkeypatch.setattr(rounds, "_SECONDS_AT_A_TIME", 0.3)
    mailbox.on_data += [0.2] * 20
    for _ in range(20):
        make_email()
    keys = list(Email.objects.values_list("pk", flat=True))

    began = time.monotonic()
    sending.send_transactional_emails(keys)

    assert time.monotonic() - began < 3
    assert 1 <= len(mailbox.received) < 20
    assert Email.objects.filter(status="prepared").exists()
    assert not Email.objects.filter(status="handing_over").exists()


@pytest.mark.django_db
def test_a_late_answer_keeps_an_uncertain_email_from_being_sent_again(mailbox):
    email = make_email()
    (attempt,) = noting.mark([email]).values()
    Email.objects.update(due_at=timezone.now())
    noting.note_uncertain([email.pk])
    assert state_of(email).status == "prepared"

    noting.note([(attempt, Outcome(Result.SENT))])
    send()

    assert (state_of(email).status, state_of(email).times_uncertain) == ("sent", 1)
    assert mailbox.received == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_hand_over_the_last_email_of_a_week_one_each(
    mailbox, settings, monkeypatch
):
    settings.EMAILS_PER_CONTACT_AND_WEEK = 1
    consent = make_consent("Newsletter")
    contact = make_contact(email="ada@example.com")
    record_agreement(contact, consent, agreed=True)
    first, second = (make_email(contact, consent=consent) for _ in range(2))
    both_have_looked = Barrier(2)
    make_ready = rounds.make_ready

    def look_together(keys):
        found = make_ready(keys)
        both_have_looked.wait(timeout=30)
        return found

    monkeypatch.setattr(rounds, "make_ready", look_together)

    each = [rounds.Round([email.pk], is_transactional=False) for email in (first, second)]
    run_at_once(*[one.run for one in each])

    assert len(mailbox.received) == 1
    assert sorted([state_of(first).status, state_of(second).status]) == ["prepared", "sent"]
