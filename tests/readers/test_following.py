"""Readers that begin now, and how soon what is committed is read."""

import itertools
import threading
import time
from types import SimpleNamespace

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from activities.logs import ACTIVITIES
from contacts.logs import CONTACTS, TOUCHED
from contacts.models import Contact
from readers import reading
from readers.epochs import begin_epochs
from readers.models import Position
from readers.reading import Reader, follow, join
from tests.factories import make_activity, make_channel, make_contact
from tests.readers.log import ids_read, keeper, keeping
from tests.readers.transactions import in_other_transaction
from tests.readers.waiting import read_next

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("read_table"),
]


def beginner(*logs):
    """A reader that keeps what it reads, and begins now."""
    return Reader("beginner", {log: keeping(log) for log in logs}, begins_now=True)


def test_a_reader_that_begins_now_reads_what_is_recorded_afterwards():
    reader, contact, channel = beginner(ACTIVITIES, TOUCHED), make_contact(), make_channel()
    make_activity(contact, channel=channel)
    begin_epochs(reader.logs)

    commit = in_other_transaction(lambda: make_activity(contact, channel=channel, value="open"))
    assert join(reader)
    commit()
    later = make_activity(contact, channel=channel)
    read_next(reader)

    opened = contact.activities.get(value="open")
    assert ids_read(ACTIVITIES) == [opened.pk, later.pk]


def test_a_reader_does_not_begin_while_writers_of_before_its_epoch_run():
    """They may have numbers of the epoch before, which it would not read."""
    contact, channel = make_contact(), make_channel()
    reader = beginner(ACTIVITIES)
    commit = in_other_transaction(lambda: make_activity(contact, channel=channel))

    assert not join(reader)
    assert not Position.objects.exists()
    commit()
    while not join(reader):
        time.sleep(0.05)  # transactions of other tests


def test_a_reader_joins_a_log_that_is_added_to_it():
    read_next(beginner(ACTIVITIES))
    make_contact()
    reader = beginner(ACTIVITIES, CONTACTS)
    read_next(reader)
    contact = make_contact()
    read_next(reader)

    assert ids_read(CONTACTS) == [contact.pk]


def test_a_contact_from_before_its_log_is_read_by_its_number():
    old = make_contact()
    Contact.objects.update(recorded_in=None)
    reader = keeper(CONTACTS)
    read_next(reader)
    new = make_contact()
    read_next(reader)

    assert ids_read(CONTACTS) == [old.pk, new.pk]


def test_what_is_committed_is_read_at_once(monkeypatch):
    reader, contact, channel = keeper(ACTIVITIES), make_contact(), make_channel()
    read_next(reader)
    monkeypatch.setattr(reading, "declared_readers", lambda: {reader.name: reader})
    over = threading.Event()

    def work():
        while not over.is_set():
            follow(1)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        made = [make_activity(contact, channel=channel).pk]
        deadline = time.monotonic() + 20
        while ids_read(ACTIVITIES) != made and time.monotonic() < deadline:
            time.sleep(0.02)
        assert ids_read(ACTIVITIES) == made
    finally:
        over.set()
        worker.join(20)


def test_an_idle_hub_costs_one_small_query_at_each_look(monkeypatch):
    reader = keeper(ACTIVITIES)
    read_next(reader)
    monkeypatch.setattr(reading, "declared_readers", lambda: {reader.name: reader})
    monkeypatch.setattr(reading, "_horizon", lambda: "the same")
    looks = []
    now = itertools.count()
    # Of this module alone: other threads have clocks of their own.
    clock = SimpleNamespace(monotonic=lambda: next(now) / 10)
    monkeypatch.setattr(reading, "time", clock)
    stopping = SimpleNamespace(wait=looks.append, is_set=lambda: False)
    monkeypatch.setattr(reading, "stopping", stopping)

    with CaptureQueriesContext(connection) as queries:
        follow(5)

    assert len(looks) > 10
    assert len(queries) < 10


def test_following_ends_when_the_worker_does(monkeypatch):
    monkeypatch.setattr(reading, "declared_readers", dict)
    stopping = threading.Event()
    stopping.set()
    monkeypatch.setattr(reading, "stopping", stopping)

    started_at = time.monotonic()
    follow(60)

    assert time.monotonic() - started_at < 30
