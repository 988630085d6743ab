"""Workers, messages and the database are killed while deliveries go out: none is lost.

Each arrives at least once, under the same id each time, and never more often than was noted
before it was sent.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from destinations.models import Queue
from tests.config.hub import (
    ROOT,
    UP,
    Hub,
    clean_environment,
    manage,
    postmaster_pid,
    processes_of,
    url_of_database,
    wait_until,
)
from tests.destinations.delivering import (
    id_of,
    ids_of,
    make_deliveries,
    make_delivery,
    make_destination,
    pass_time,
)
from tests.destinations.receiver import after, receiver, taken
from tests.faults.load import connect

on_the_database_of_the_test = pytest.mark.django_db(transaction=True)

DELIVERIES = int(os.environ.get("DELIVERIES", "400"))
# How much of what waits has arrived when something is killed.
SHARE = 0.2
LOOPBACK = "127.0.0.0/8"
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
WORKER = [*CELERY, "worker", "--pool", "threads", "--concurrency", "2", "--queues", "deliveries"]
WORKER += ["--without-gossip", "--without-mingle", "--without-heartbeat"]

MAKE_DESTINATIONS = """
from destinations.models import Destination
from destinations.saving import save_destination
for name in %(names)r:
    destination = Destination(name=name, code_name=name, enabled=True, url=%(url)r)
    save_destination(destination)
    print(destination.pk)
"""
ADD = """
INSERT INTO destinations_delivery (destination_id, message_id, kind, source, payload,
    contact_fields, status, reason, occurred_at, created_at, due_at, attempts, answer, last_error)
SELECT %s, gen_random_uuid(), 'activity', 'activity:' || n, jsonb_build_object('number', n),
    '[]', 'waiting', '', now(), now(), now(), 0, '', ''
FROM generate_series(1, %s) AS n
RETURNING id
"""


class Workers:
    """Worker processes that share the database of a test, and the scheduler that wakes them."""

    def __init__(self, home, count=1):
        environment = clean_environment(
            home,
            DATABASE_URL=url_of_database(),
            SWEEP_SECONDS="0.5",
            DESTINATION_ALLOWED_NETWORKS=LOOPBACK,
        )
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        commands = [[*WORKER, "--hostname", f"worker-{number}@%h"] for number in range(count)]
        self._processes = [
            subprocess.Popen(command, cwd=ROOT, env=environment, **quiet)
            for command in [*commands, [*CELERY, "beat"]]
        ]

    def freeze(self):
        """Let the first of them do nothing more."""
        os.kill(self._processes[0].pid, signal.SIGSTOP)

    @property
    def is_frozen(self):
        stat = Path(f"/proc/{self._processes[0].pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def end(self):
        """End the first of them as an operator does, and wait for that."""
        self._processes[0].terminate()
        self._processes[0].wait(timeout=30)

    def kill(self):
        for process in self._processes:
            process.kill()
            process.wait(timeout=30)


@contextmanager
def workers(home, count=1):
    ones = Workers(home, count)
    try:
        yield ones
    finally:
        ones.kill()


def is_done(destination):
    return not destination.deliveries.filter(status="waiting").exists()


@on_the_database_of_the_test
def test_a_worker_killed_in_an_attempt_has_it_made_again_under_the_same_id(loopback, tmp_path):
    with receiver() as crm:
        delivery = make_delivery(make_destination(crm.url))
        with workers(tmp_path) as ones:

            def freeze(got):
                ones.freeze()
                return taken(got)

            crm.answers = freeze
            wait_until(lambda: ones.is_frozen, seconds=60)
        delivery.refresh_from_db()
        assert (delivery.status, delivery.attempts) == ("waiting", 1)

        crm.answers = taken
        pass_time(seconds=31)  # the lease of the dead one ends
        with workers(tmp_path):
            wait_until(lambda: is_done(delivery.destination), seconds=60)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("delivered", 2)
    assert crm.times == {id_of(delivery): 2}


@on_the_database_of_the_test
def test_two_worker_processes_send_each_delivery_once(loopback, tmp_path):
    with receiver() as crm:
        made = [make_deliveries(make_destination(crm.url), 200) for _ in range(4)]
        with workers(tmp_path, 2):
            wait_until(lambda: all(is_done(some[0].destination) for some in made), seconds=60)

    assert crm.times == dict.fromkeys(ids_of([one for some in made for one in some]), 1)


@on_the_database_of_the_test
def test_a_worker_that_is_told_to_end_sends_nothing_twice(loopback, tmp_path):
    with receiver(after(0.02)) as crm:
        made = make_deliveries(make_destination(crm.url), 300)
        with workers(tmp_path) as ones:
            wait_until(lambda: len(crm.got) > 20, seconds=60)
            ones.end()
        before = len(crm.got)
        assert before < 300
        # At its end nobody is at the queue, so that another worker need not wait.
        queue = Queue.objects.get()
        assert (queue.has_work, queue.served_until) == (True, None)
        with workers(tmp_path):
            wait_until(lambda: is_done(made[0].destination), seconds=60)

    assert crm.times == dict.fromkeys(ids_of(made), 1)


def kill(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def kill_worker(hub):
    kill(*(pid for pid, line in hub.children().items() if " worker " in line))


def lose_messages(hub):
    for message in (hub.home / "broker" / "messages").glob("*.msg"):
        message.unlink(missing_ok=True)


def terminate_all_backends(hub):
    with connect(hub.home) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def kill_database(hub):
    kill(postmaster_pid(hub.home))


def kill_everything(hub):
    hub.kill()
    kill(*processes_of(hub.home))
    wait_until(lambda: not processes_of(hub.home))
    hub.start()


STRIKES = {
    "worker": kill_worker,
    "messages": lose_messages,
    "backends": terminate_all_backends,
    "database": kill_database,
    "everything": kill_everything,
}


def rows_of(hub, question, *params):
    """The rows that a question finds; none while the database is away."""
    try:
        with connect(hub.home) as database:
            return database.execute(question, params).fetchall()
    except (OSError, IndexError, psycopg.OperationalError):
        return []


def make_destinations(hub, names, url):
    """The ids of destinations with these names in a hub."""
    code = MAKE_DESTINATIONS % {"names": list(names), "url": url}
    arguments = ("shell", "--verbosity", "0", "--command", code)
    made = manage(hub.home, *arguments, DESTINATION_ALLOWED_NETWORKS=LOOPBACK)
    assert made.returncode == 0, made.stderr
    return [int(line) for line in made.stdout.split()]


def test_whatever_is_killed_no_delivery_is_lost_and_all_attempts_have_its_id(tmp_path):
    with receiver(after(0.005)) as crm:
        hub = Hub(tmp_path / "hub", SWEEP_SECONDS="1", DESTINATION_ALLOWED_NETWORKS=LOOPBACK)
        with hub.launched():
            wait_until(lambda: UP in hub.output, seconds=180)
            keys = make_destinations(hub, STRIKES, crm.url)
            for key, strike in zip(keys, STRIKES.values(), strict=True):
                before = len(crm.got)
                wait_until(lambda k=key: rows_of(hub, ADD, k, DELIVERIES), seconds=60)
                wait_until(lambda n=before: len(crm.got) > n + SHARE * DELIVERIES, seconds=60)
                strike(hub)

            def all_done():
                found = rows_of(
                    hub, "SELECT status, count(*) FROM destinations_delivery GROUP BY 1"
                )
                return dict(found) == {"delivered": len(keys) * DELIVERIES}

            wait_until(all_done, seconds=240)
            rows = rows_of(hub, "SELECT message_id, attempts FROM destinations_delivery")

    attempts = Counter({f"msg_{UUID(str(key)).hex}": count for key, count in rows})
    assert crm.times.keys() == attempts.keys()
    assert crm.times <= attempts
    # What was on its way, or had come and was not noted yet, at each of the strikes.
    assert crm.times.total() - len(attempts) < len(STRIKES) * DELIVERIES / 2
