"""Any process of a hub may be killed at any time: nothing is lost, and nothing counts twice."""

import os
import signal
import time
from contextlib import closing, suppress

import psycopg
import pytest

from tests.config.hub import Hub, postmaster_pid, processes_of, wait_until
from tests.faults.load import Load, connect, stored_ids, waiting_forms, writing_backend

STORED_IDS = (
    "from activities.models import Activity; "
    "print(*Activity.objects.values_list('client_id', flat=True))"
)


@pytest.fixture(scope="module")
def hub(homes, tmp_path_factory):
    """A hub that is as it was when something in it has been killed."""
    home = homes.copy(tmp_path_factory.mktemp("killed") / "hub")
    with Hub(home, WEB_PROCESSES="2", SWEEP_SECONDS="1") as hub:
        yield hub


def kill(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def children(hub, word):
    return [pid for pid, line in hub.children().items() if word in line]


def kill_one_web_process(hub):
    kill(children(hub, "config.web")[0])


def kill_all_web_processes(hub):
    kill(*children(hub, "config.web"))


def kill_worker(hub):
    kill(*children(hub, " worker "))


def kill_scheduler(hub):
    kill(*children(hub, " beat "))


def terminate_writing_backend(hub):
    with connect(hub.home) as database:
        database.execute("SELECT pg_terminate_backend(%s)", [writing_backend(database)])


def terminate_all_backends(hub):
    with connect(hub.home) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def kill_writing_backend(hub):
    with connect(hub.home) as database:
        # What is recovered is what came since the last one, which may be much.
        database.execute("CHECKPOINT")
        kill(writing_backend(database))


def kill_postmaster(hub):
    kill(postmaster_pid(hub.home))


def kill_everything(hub):
    hub.kill()
    for pid in processes_of(hub.home):
        kill(pid)
    wait_until(lambda: not processes_of(hub.home))
    hub.start()


def wait_for_end(database):
    """Wait until this connection is broken."""
    with suppress(psycopg.OperationalError):
        while True:
            database.execute("SELECT")
            time.sleep(0.01)


def wait_for_database(hub):
    """Wait until the database takes connections again."""
    while True:
        with suppress(psycopg.OperationalError, OSError, IndexError), connect(hub.home) as database:
            database.execute("SELECT")
            return
        time.sleep(0.01)


def assert_each_is_stored_once(hub, load):
    stored = stored_ids(hub.home, load.channel)
    assert load.unanswered == set()
    assert load.acknowledged == set(stored)
    assert stored.total() == len(stored)


@pytest.mark.parametrize(
    ("strike", "seconds"),
    [
        (kill_one_web_process, 1),
        (kill_all_web_processes, 10),
        (kill_worker, 1),
        (kill_scheduler, 1),
        (terminate_writing_backend, 1),
        (terminate_all_backends, 1),
        (kill_everything, 60),
    ],
)
def test_nothing_is_lost_or_doubled_and_answers_go_on(hub, strike, seconds):
    load = Load(hub)
    with load.running():
        load.wait_for_answers(200)
        started_at = time.monotonic()

        strike(hub)

        wait_until(lambda: len(hub.children()) == 4)
        load.wait_for_answers(200)
        silence = load.longest_silence(started_at)
    assert_each_is_stored_once(hub, load)
    assert silence < seconds
    wait_until(lambda: not waiting_forms(hub.home), seconds=30)


@pytest.mark.parametrize("strike", [kill_writing_backend, kill_postmaster])
def test_hub_answers_within_a_second_of_its_database(hub, strike):
    load = Load(hub)
    with load.running():
        load.wait_for_answers(200)
        with closing(connect(hub.home)) as database:
            started_at = time.monotonic()

            strike(hub)

            wait_for_end(database)
        wait_for_database(hub)
        recovered_at = time.monotonic()
        load.wait_for_answers(200)
        silence = load.longest_silence(started_at)
    assert_each_is_stored_once(hub, load)
    assert silence < recovered_at - started_at + 1


def test_hub_that_is_told_to_end_stores_what_it_acknowledges(homes, tmp_path):
    with Hub(homes.copy(tmp_path / "hub"), WEB_PROCESSES="2") as hub:
        load = Load(hub)
        with load.running():
            load.wait_for_answers(200)
            started_at = time.monotonic()

            hub._process.terminate()

            wait_until(lambda: not children(hub, "config.web"))
            seconds = time.monotonic() - started_at
            load.give_up()
        status = hub.wait()
        stored = hub.shell(STORED_IDS).split()

    # Every other answer is a connection that was closed, or refused.
    assert not any(refusal.isdigit() for refusal in load.refusals)
    assert load.acknowledged <= set(stored)
    assert set(stored) <= load.acknowledged | load.unanswered
    assert len(stored) == len(set(stored))
    assert status == 0
    assert seconds < 10
