"""Requests share commits: one that the database refuses fails alone; a stalled database is told."""

import json
import os
import signal
import threading
import urllib.request
from functools import partial
from http.client import HTTPException
from uuid import uuid4

import psycopg
import pytest
from django.db import Error, connection, connections, transaction

from activities import recording
from activities.drafts import Draft
from activities.group_commit import Busy
from activities.models import Activity
from activities.recording import Source, record_activities
from channels.keys import create_api_key
from contacts.resolving import UnknownContact
from tests.config.hub import Web, processes_of, wait_until
from tests.factories import make_channel, make_contact
from tests.threads import run_at_once

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.timeout(120),
]


def record(value, contact, channel):
    """Record a click with this value, and return how that ended."""
    source = Source(door="test", channel=channel, request_id=uuid4())
    draft = Draft(type="click", value=value)
    try:
        return record_activities([draft], contact_guid=contact.guid, source=source)[0].accepted
    except (Error, UnknownContact, Busy) as error:
        return type(error.__cause__ or error)


@pytest.fixture
def trap():
    """The database refuses every activity with the value “trap”, as a full disk might."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'refused'; END $$;"
            " CREATE TRIGGER trap BEFORE INSERT ON activities_activity FOR EACH ROW"
            " WHEN (NEW.value = 'trap') EXECUTE FUNCTION refuse()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER trap ON activities_activity; DROP FUNCTION refuse()")


def number_of_transactions():
    return Activity.objects.values("recorded_in").distinct().count()


def hold(table, release):
    """Keep everybody from writing to `table` until `release` is set."""
    held = threading.Event()

    def run():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table}")
            held.set()
            release.wait(60)
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    assert held.wait(20)
    return thread


def start_all(calls, into):
    """Run `calls`, each in a thread: the first is being written before the others come."""

    def run(index, call):
        into[index] = call()
        connections.close_all()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    threads[0].start()
    wait_until(lambda: recording._commits._writing_since)
    for thread in threads[1:]:
        thread.start()
    return threads


def test_requests_at_once_share_commits():
    contact, channel, release, results = make_contact(), make_channel(), threading.Event(), {}
    holder = hold("activities_activity", release)
    threads = start_all([partial(record, str(n), contact, channel) for n in range(12)], results)
    wait_until(lambda: len(recording._commits._queue) == 11)

    assert results == {}
    release.set()
    for thread in [holder, *threads]:
        thread.join(30)

    assert list(results.values()) == [True] * 12
    assert Activity.objects.count() == 12
    assert number_of_transactions() == 2


@pytest.mark.usefixtures("trap")
def test_request_that_the_database_refuses_fails_alone():
    contact, channel, release, results = make_contact(), make_channel(), threading.Event(), {}
    holder = hold("activities_activity", release)
    values = ["a", "b", "trap", "c", "d"]
    threads = start_all([partial(record, value, contact, channel) for value in values], results)
    wait_until(lambda: len(recording._commits._queue) == 4)

    release.set()
    for thread in [holder, *threads]:
        thread.join(30)

    assert issubclass(results.pop(2), psycopg.errors.RaiseException)
    assert list(results.values()) == [True] * 4
    assert sorted(Activity.objects.values_list("value", flat=True)) == ["a", "b", "c", "d"]


def test_unknown_contact_is_the_problem_of_one_request():
    contact, channel = make_contact(), make_channel()
    stranger = make_contact()
    stranger.delete()

    calls = [partial(record, "x", one, channel) for one in [contact, stranger] * 8]

    assert run_at_once(*calls) == [True, UnknownContact] * 8
    assert Activity.objects.count() == 8


def test_stalled_database_is_told_and_nothing_is_recorded_of_what_was_refused(monkeypatch):
    monkeypatch.setattr(recording._commits, "_patience", 0.3)
    contact, channel, release, results = make_contact(), make_channel(), threading.Event(), {}
    holder = hold("activities_activity", release)
    threads = start_all([partial(record, "a", contact, channel) for _ in range(4)], results)
    wait_until(lambda: len(results) == 3)

    assert list(results.values()) == [Busy] * 3
    assert record("b", contact, channel) is Busy

    release.set()
    for thread in [holder, *threads]:
        thread.join(30)
    assert sorted(map(str, results.values())) == sorted(map(str, [True, Busy, Busy, Busy]))
    assert Activity.objects.count() == 1
    assert record("c", contact, channel) is True


def test_killed_web_process_loses_only_what_it_has_not_acknowledged(tmp_path):
    with Web(tmp_path / "hub", DATABASE_URL=_database_url()) as web:
        contact, channel = make_contact(), make_channel()
        _, key = create_api_key(channel, name="Test")
        acknowledged, stop = set(), threading.Event()

        def keep_sending():
            while not stop.is_set():
                ids = [str(uuid4()) for _ in range(5)]
                if _send(web.port, key, channel, contact, ids):
                    acknowledged.update(ids)
                else:
                    return

        threads = [threading.Thread(target=keep_sending) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(acknowledged) > 200)
        for pid, name in processes_of(web.home).items():
            if name != "postgres":
                os.kill(pid, signal.SIGKILL)
        stop.set()
        for thread in threads:
            thread.join(30)

    stored = {str(one) for one in Activity.objects.values_list("client_id", flat=True)}
    assert acknowledged <= stored
    assert len(stored) == Activity.objects.count()


def _database_url():
    """The database of this test, for another process."""
    given = connection.get_connection_params()
    host, port = given.get("host", ""), given.get("port", "")
    return f"postgres://{given.get('user', '')}@{host.replace('/', '%2F')}:{port}/{given['dbname']}"


def _send(port, key, channel, contact, ids):
    """Whether the hub has acknowledged all these activities."""
    body = {
        "channel": str(channel.guid),
        "contact": str(contact.guid),
        "activities": [{"type": "click", "value": "Buy", "id": one} for one in ids],
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/Kentico.Tracking/activities",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)["results"] == [{"status": 202}] * len(ids)
    except (OSError, ValueError, HTTPException):
        return False
