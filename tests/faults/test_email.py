"""A worker is killed while it hands emails over: none is lost, and doubled ones are counted."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db.models.functions import Now

from automations.jobs import EMAILS, TRANSACTIONAL_EMAILS
from automations.models import Email
from consents.agreements import record_agreements
from contacts.models import Contact
from tests.automations import mailbox as does
from tests.automations.emails import make_email, state_of
from tests.automations.mailbox import mail_server
from tests.config.hub import ROOT, clean_environment, url_of_database, wait_until
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTIONS = 4
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
WORKER = [*CELERY, "worker", "--pool", "threads", "--concurrency", "2", "--queues", "emails"]
WORKER += ["--without-gossip", "--without-mingle", "--without-heartbeat"]


class Worker:
    """A worker process that sends to `mailbox`, and the scheduler that wakes it."""

    def __init__(self, home, mailbox):
        environment = clean_environment(
            home,
            DATABASE_URL=url_of_database(),
            SWEEP_SECONDS="0.5",
            EMAIL_URL=mailbox.url,
            EMAIL_CONNECTIONS=str(CONNECTIONS),
            DEFAULT_FROM_EMAIL="Alder Bank <hub@alder.example>",
        )
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        self._processes = [
            subprocess.Popen(command, cwd=ROOT, env=environment, **quiet)
            for command in (WORKER, [*CELERY, "beat"])
        ]

    def freeze(self):
        """Let the worker do nothing more: all of its threads stand still when this returns."""
        os.kill(self._processes[0].pid, signal.SIGSTOP)
        wait_until(lambda: self.is_frozen)

    def kill(self):
        for process in self._processes:
            process.kill()
            process.wait(timeout=30)

    @property
    def is_frozen(self):
        threads = Path(f"/proc/{self._processes[0].pid}/task").glob("*/stat")
        try:
            states = [thread.read_text().rpartition(")")[2].split()[0] for thread in threads]
        except OSError:  # a thread has just ended
            return False
        return set(states) == {"T"}


@contextmanager
def worker_at_work(home, mailbox):
    worker = Worker(home, mailbox)
    try:
        yield worker
    finally:
        worker.kill()


def leases_end():
    for job in (EMAILS, TRANSACTIONAL_EMAILS):
        Email.objects.filter(job.waiting).update(due_at=Now())


def nothing_waits():
    return not Email.objects.filter(status__in=["prepared", "handing_over"]).exists()


def make_pair():
    """An email that a contact has asked for, and one that needs a consent."""
    consent = make_consent("Newsletter")
    contact = make_contact(email="ada@example.com")
    record_agreements([contact], {consent: True})
    return make_email(), make_email(contact, consent=consent)


@pytest.mark.parametrize(
    ("point", "received", "uncertain"),
    [("connect", 0, 0), ("recipient", 0, 1), ("data", 1, 1)],
    ids=["before the mark", "after the mark", "after the mail server has it"],
)
@pytest.mark.parametrize("kind", ["asked for", "newsletter"])
def test_a_worker_killed_at_any_instant_sends_once_or_is_uncertain(
    tmp_path, kind, point, received, uncertain
):
    asked_for, newsletter = make_pair()
    email, other = (asked_for, newsletter) if kind == "asked for" else (newsletter, asked_for)
    other.delete()
    with mail_server() as mailbox:
        with worker_at_work(tmp_path, mailbox) as worker:

            def freeze():
                worker.freeze()
                return does.TAKEN

            getattr(mailbox, f"on_{point}").append(freeze)
            wait_until(lambda: worker.is_frozen, seconds=60)
            wait_until(lambda: len(mailbox.received) == received)
        assert state_of(email).status == ("handing_over" if uncertain else "prepared")

        leases_end()
        with worker_at_work(tmp_path, mailbox):
            wait_until(nothing_waits, seconds=60)

        after = state_of(email)
        assert after.times_uncertain == uncertain
        is_sent = kind == "asked for" or not uncertain
        assert after.status == ("sent" if is_sent else "uncertain")
        assert mailbox.count_by_id().total() == received + is_sent


def test_workers_and_the_mail_server_killed_among_many_emails_lose_none(tmp_path):
    kills = 2
    consent = make_consent("Newsletter")
    readers = Contact.objects.bulk_create(
        Contact(email=f"{number}@example.com", email_key=f"{number}@example.com")
        for number in range(150)
    )
    record_agreements(readers, {consent: True})
    emails = [make_email(reader, consent=consent) for reader in readers]
    emails += [make_email(reader) for reader in readers]
    with mail_server() as mailbox:
        for turn in range(kills):
            with worker_at_work(tmp_path, mailbox):
                mailbox.wait_for(50 * (turn + 1), seconds=60)
            leases_end()
        with worker_at_work(tmp_path, mailbox):
            mailbox.wait_for(150, seconds=60)
            mailbox.stop()
            mailbox.start()

            def is_all_done():
                leases_of_waiting = Email.objects.filter(status="prepared")
                leases_of_waiting.update(due_at=Now())
                return nothing_waits()

            wait_until(is_all_done, seconds=90)
        counts = mailbox.count_by_id()

    of_emails = {email.message_id: email for email in Email.objects.all()}
    uncertain = {key for key, email in of_emails.items() if email.times_uncertain}
    # Each kill leaves one email on each connection of the two jobs in doubt, at most.
    assert len(uncertain) <= (kills + 1) * 2 * CONNECTIONS
    sent = {key for key, email in of_emails.items() if email.status == "sent"}
    assert len(of_emails) == len(emails) == len(sent | uncertain)
    assert sent <= set(counts)
    assert {key for key, count in counts.items() if count > 1} <= uncertain
    assert all(of_emails[key].is_transactional for key, count in counts.items() if count > 1)
