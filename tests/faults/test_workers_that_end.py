"""Workers end in the middle of much work: soon, and others do what is left, each row once."""

import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from activities.jobs import DATA_INPUTS
from activities.models import Activity, ActivityType, DataInput
from contacts.jobs import MERGES, SETTLING
from contacts.models import Contact, ContactChange, ContactMerge
from tests.config.hub import ROOT, clean_environment, url_of_database, wait_until
from tests.factories import make_channel

pytestmark = pytest.mark.django_db(transaction=True)

OWNERS, FORMS, PAIRS = 200, 10, 400
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
WORKER = [*CELERY, "worker", "--pool", "threads", "--concurrency", "4"]
WORKER += ["--queues", "default,data_input,merging"]
WORKER += ["--without-gossip", "--without-mingle", "--without-heartbeat"]  # as `serve` starts it


@contextmanager
def worker_at_work(home):
    """A worker process, and the scheduler that wakes it; killed when the block is left."""
    environment = clean_environment(home, DATABASE_URL=url_of_database(), SWEEP_SECONDS="1")
    quiet = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, **quiet)
        for command in (WORKER, [*CELERY, "beat"])
    ]
    try:
        yield started[0]
    finally:
        for process in started:
            process.kill()
            process.wait(timeout=30)


def fill_in_forms():
    """Half of the people have an email, the others give it; one form of each names another."""
    owners = [Contact(email=f"{number}@example.com") for number in range(OWNERS)]
    for owner in owners:
        owner.email_key = owner.email
    people = Contact.objects.bulk_create(owners + [Contact() for _ in range(OWNERS)])
    channel, kind = make_channel(), ActivityType.objects.get(code_name="datainput")
    now = timezone.now()
    activities = Activity.objects.bulk_create(
        Activity(
            contact=contact,
            channel=channel,
            type=kind,
            occurred_at=now,
            recorded_at=now,
            logged_as=contact.guid,
            request_id=uuid4(),
        )
        for _ in range(FORMS)
        for contact in people
    )
    DataInput.objects.bulk_create(
        DataInput(contact=activity.contact, activity=activity, fields=fields_of(number))
        for number, activity in enumerate(activities)
    )


def fields_of(number):
    """What a form says; each has a city of its own, so that each is a change."""
    turn, owner = number // (2 * OWNERS), number % OWNERS
    email = f"{(owner + (turn == 1)) % OWNERS}@example.com"
    return {"email": email, "city": f"City {number}"}


def ask_for_merges():
    """Pairs of other people, of whom the loser has a city, so that each merge is a change."""
    survivors = Contact.objects.bulk_create(Contact() for _ in range(PAIRS))
    losers = Contact.objects.bulk_create(Contact(city="Bern") for _ in range(PAIRS))
    ContactMerge.objects.bulk_create(
        ContactMerge(survivor=survivor, loser=loser, reason="marketer")
        for survivor, loser in zip(survivors, losers, strict=True)
    )


def waiting(job):
    return job.model.objects.filter(job.waiting)


def is_under_way():
    """Whether something is done of what waits, and a worker has claimed more of it."""
    is_begun = DataInput.objects.exclude(outcome="pending").exists()
    return is_begun and waiting(DATA_INPUTS).filter(due_at__gt=Now()).exists()


def wait_until_all_is_done():
    jobs = (DATA_INPUTS, MERGES, SETTLING)
    wait_until(lambda: not any(waiting(job).exists() for job in jobs), seconds=60)


def assert_forms_were_applied_once():
    by_data_input = ContactChange.objects.filter(source="data_input")
    counts = Counter(by_data_input.values_list("activity_id", flat=True))
    assert counts == dict.fromkeys(DataInput.objects.values_list("activity_id", flat=True), 1)
    assert len(counts) == 2 * OWNERS * FORMS
    assert Contact.objects.live().exclude(email="").count() == OWNERS


def test_worker_that_is_told_to_end_does_so_soon_and_another_one_goes_on(tmp_path):
    fill_in_forms()
    with worker_at_work(tmp_path) as worker:
        wait_until(is_under_way, seconds=60)
        told_at = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
        seconds = time.monotonic() - told_at

    assert seconds < 5
    assert waiting(DATA_INPUTS).exists()
    # It has given back what it had claimed: nothing waits for a lease to end.
    assert not waiting(DATA_INPUTS).filter(due_at__gt=Now()).exists()
    with worker_at_work(tmp_path):
        wait_until_all_is_done()
    assert_forms_were_applied_once()


def test_what_a_worker_had_begun_that_was_killed_is_done_once_by_another(tmp_path):
    fill_in_forms()
    ask_for_merges()
    with worker_at_work(tmp_path) as worker:
        wait_until(is_under_way, seconds=60)
        worker.kill()
        worker.wait(timeout=30)

    assert waiting(DATA_INPUTS).exists()
    for job in (DATA_INPUTS, MERGES, SETTLING):
        waiting(job).update(due_at=Now())  # as if the minute of its lease had passed
    with worker_at_work(tmp_path):
        wait_until_all_is_done()

    assert_forms_were_applied_once()
    asked = ContactMerge.objects.filter(reason="marketer")
    assert set(asked.values_list("status", flat=True)) == {"done"}
    by_merge = ContactChange.objects.filter(merge__in=asked).values_list("merge", flat=True)
    assert Counter(by_merge) == dict.fromkeys(asked.values_list("pk", flat=True), 1)
