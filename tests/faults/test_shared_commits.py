"""Requests share commits: who the database refuses fails alone; a stalled database is told."""

import asyncio
import json
import os
import signal
import threading
import urllib.request
from http.client import HTTPException
from uuid import uuid4

import psycopg
import pytest
from django.db import Error, connection, transaction

from activities.drafts import Draft
from activities.models import Activity
from activities.recording import Source, record_activities, record_soon
from channels.keys import create_api_key
from contacts.resolving import UnknownContact
from database.loop import Busy, in_thread
from tests.config.hub import Web, processes_of, url_of_database, wait_until
from tests.factories import make_channel, make_contact
from tests.loops import open_hub, until
from tests.threads import held, run_in_loop, wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)


def source_of(channel):
    return Source(door="test", channel=channel, request_id=uuid4())


async def record(value, contact, channel, **unusual):
    """Record a click with this value, and return how that ended."""
    drafts = [Draft(type="click", value=value, **unusual)]
    recording = record_soon(drafts, contact_guid=contact.guid, source=source_of(channel))
    try:
        return (await recording)[0].accepted
    except (Error, UnknownContact, Busy) as error:
        return type(error.__cause__ or error)


def record_in_thread(value, contact, channel):
    """The same by what Python code calls, in a thread of the web process."""
    drafts = [Draft(type="click", value=value)]
    try:
        outcomes = record_activities(drafts, contact_guid=contact.guid, source=source_of(channel))
    except Busy as error:
        return type(error)
    return outcomes[0].accepted


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


def end_who_waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )


async def start_all(values, contact, channel):
    """Tasks that record these values: the first is being written before the others come."""
    tasks = [asyncio.create_task(record(values[0], contact, channel))]
    await in_thread(wait_until_somebody_waits)
    tasks += [asyncio.create_task(record(value, contact, channel)) for value in values[1:]]
    await asyncio.sleep(0)
    return tasks


def test_requests_at_once_share_commits():
    contact, channel = make_contact(), make_channel()

    async def send_all(release):
        async with open_hub() as (_, commits):
            tasks = await start_all([str(n) for n in range(12)], contact, channel)
            assert commits.waiting == 11
            assert not any(task.done() for task in tasks)
            release.set()
            return await asyncio.gather(*tasks)

    with held("activities_activity") as release:
        assert run_in_loop(send_all(release)) == [True] * 12
    assert Activity.objects.count() == 12
    assert number_of_transactions() == 2


@pytest.mark.usefixtures("trap")
def test_what_is_usual_is_written_once_if_the_unusual_of_its_group_fails():
    contact, channel = make_contact(), make_channel()
    fields = {"ContactFirstName": "Ann"}

    async def send_all(release):
        async with open_hub():
            tasks = await start_all(["a"], contact, channel)
            for value in ("b", "trap", "c"):
                given = {"contact_fields": fields} if value == "trap" else {}
                tasks.append(asyncio.create_task(record(value, contact, channel, **given)))
            release.set()
            return await asyncio.gather(*tasks)

    # Now the type is known, and a click without fields is usual.
    record_in_thread("first", contact, channel)
    with held("activities_activity") as release:
        results = run_in_loop(send_all(release))

    assert results[:2] == [True, True]
    assert issubclass(results[2], psycopg.errors.RaiseException)
    assert results[3] is True
    assert sorted(Activity.objects.values_list("value", flat=True)) == ["a", "b", "c", "first"]


def test_threads_of_the_web_process_share_them_too():
    contact, channel = make_contact(), make_channel()

    async def send_all(release):
        async with open_hub() as (_, commits):
            tasks = await start_all(["1", "2"], contact, channel)
            threads = [
                asyncio.create_task(in_thread(record_in_thread, "3", contact, channel))
                for _ in range(3)
            ]
            await until(lambda: commits.waiting == 4)
            release.set()
            return await asyncio.gather(*tasks, *threads)

    with held("activities_activity") as release:
        assert run_in_loop(send_all(release)) == [True] * 5
    assert Activity.objects.count() == 5
    assert number_of_transactions() == 2


def test_what_a_thread_records_in_its_own_transaction_ends_with_that():
    contact, channel = make_contact(), make_channel()

    def record_and_roll_back():
        with transaction.atomic():
            assert record_in_thread("x", contact, channel)
            assert Activity.objects.count() == 1
            transaction.set_rollback(True)

    async def roll_back():
        async with open_hub():
            await in_thread(record_and_roll_back)

    run_in_loop(roll_back())
    assert not Activity.objects.exists()


@pytest.mark.usefixtures("trap")
def test_request_that_the_database_refuses_fails_alone():
    contact, channel = make_contact(), make_channel()

    async def send_all(release):
        async with open_hub():
            tasks = await start_all(["a", "b", "trap", "c", "d"], contact, channel)
            release.set()
            return await asyncio.gather(*tasks)

    with held("activities_activity") as release:
        results = run_in_loop(send_all(release))

    assert results == [True, True, psycopg.errors.RaiseException, True, True]
    assert sorted(Activity.objects.values_list("value", flat=True)) == ["a", "b", "c", "d"]


def test_unknown_contact_is_the_problem_of_one_request():
    contact, channel = make_contact(), make_channel()
    stranger = make_contact()
    stranger.delete()

    async def send_all():
        async with open_hub():
            people = [contact, stranger] * 8
            return await asyncio.gather(*(record("x", one, channel) for one in people))

    assert run_in_loop(send_all()) == [True, UnknownContact] * 8
    assert Activity.objects.count() == 8


def test_stalled_database_is_told_and_nothing_is_recorded_of_what_was_refused():
    contact, channel = make_contact(), make_channel()

    async def send_all(release):
        async with open_hub(patience=0.5):
            first, *others = await start_all(["a"] * 4, contact, channel)
            assert await asyncio.gather(*others) == [Busy] * 3
            assert await record("b", contact, channel) is Busy
            assert await in_thread(record_in_thread, "b", contact, channel) is Busy
            release.set()
            assert await first is True
            return await record("c", contact, channel)

    with held("activities_activity") as release:
        assert run_in_loop(send_all(release)) is True
    assert sorted(Activity.objects.values_list("value", flat=True)) == ["a", "c"]


def test_what_may_have_been_committed_is_not_written_again():
    contact, channel = make_contact(), make_channel()

    async def send_all(release):
        async with open_hub():
            tasks = await start_all(["a", "b", "c"], contact, channel)
            await in_thread(end_who_waits_for_a_lock)
            await tasks[0]
            await in_thread(wait_until_somebody_waits)
            await in_thread(end_who_waits_for_a_lock)
            results = await asyncio.gather(*tasks)
            release.set()
            return [*results, await record("d", contact, channel)]

    with held("activities_activity") as release:
        assert run_in_loop(send_all(release)) == [psycopg.errors.AdminShutdown] * 3 + [True]
    assert Activity.objects.get().value == "d"


def test_killed_web_process_loses_only_what_it_has_not_acknowledged(tmp_path):
    with Web(tmp_path / "hub", DATABASE_URL=url_of_database()) as web:
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
