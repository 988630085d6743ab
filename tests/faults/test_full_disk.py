"""The disk is full: the hub says so, asks to come again, and goes on by itself when it has room."""

import http.client
import json
import os
import subprocess
import time
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest

from tests.config.hub import Hub, ready_state, wait_until
from tests.faults.load import Load, connect, stored_ids

MEGABYTES = 320
# A session has to be looked up.
LOGGED_IN = {"Cookie": f"sessionid={'a' * 32}"}


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    """A file system with little room."""
    folder = tmp_path_factory.mktemp("disk") / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=755", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {done.stderr}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def hub(small_disk):
    with Hub(small_disk, WEB_PROCESSES="1", SWEEP_SECONDS="1") as hub:
        yield hub


@pytest.fixture
def load(hub):
    return Load(hub)


class Ballast:
    """Takes all the room that is left, and as much as gets free, until the block ends."""

    def __init__(self, folder):
        self._file = folder / "ballast"

    def __enter__(self):
        self.take_room()
        return self

    def __exit__(self, *_):
        self._file.unlink()

    def take_room(self):
        with self._file.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)


def panic(hub, ballast):
    """Let PostgreSQL need a new file for its log, which there is no room for."""
    with suppress(psycopg.Error), connect(hub.home) as database:
        while True:
            ballast.take_room()
            database.execute("SELECT pg_logical_emit_message(true, 'full', repeat('x', 100000))")
            database.execute("SELECT pg_switch_wal()")


def answer_to(hub, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    answer.body = answer.read()
    connection.close()
    return answer


def post(hub, load):
    one = str(uuid4())
    activities = [{"type": "click", "value": "Buy", "id": one}]
    body = {"channel": load.channel, "contact": load.contacts[0], "activities": activities}
    path = "/Kentico.Tracking/activities"
    answer = answer_to(hub, "POST", path, json.dumps(body), load.headers)
    if answer.status == 207:
        load.acknowledged.add(one)
    return answer


def assert_asks_to_come_again(answer):
    assert (answer.status, answer.getheader("Retry-After")) == (503, "5"), answer.body


def assert_log_is_short(hub, since):
    lines = [
        line
        for line in hub.output[since:].splitlines()
        if line.startswith(("web: ", "worker: ", "scheduler: "))
    ]
    assert not [line for line in lines if "Traceback" in line]
    assert len(lines) < 12, lines


def assert_all_is_stored_once(hub, load):
    stored = stored_ids(hub.home, load.channel)
    assert load.unanswered == set()
    assert load.acknowledged == set(stored)
    assert stored.total() == len(stored)


def test_table_that_finds_no_room_is_503_until_there_is_some(hub, load, small_disk):
    since = len(hub.output)
    with load.running():
        load.wait_for_answers(50)
        with Ballast(small_disk) as ballast:
            deadline = time.monotonic() + 60
            while load.refusals["503"] < 20 and time.monotonic() < deadline:
                ballast.take_room()
                time.sleep(0.1)
            assert ready_state(hub)["database"] != "ok"
        wait_until(hub.is_ready, seconds=60)
        load.wait_for_answers(50)

    assert load.refusals.keys() == {"503"}
    assert_all_is_stored_once(hub, load)
    assert_log_is_short(hub, since)


def test_database_that_panics_comes_back_by_itself(hub, load, small_disk):
    post(hub, load)
    since = len(hub.output)
    with Ballast(small_disk) as ballast:
        panic(hub, ballast)
        wait_until(lambda: "The database does not start" in hub.output[since:], seconds=60)

        for _ in range(3):
            assert_asks_to_come_again(post(hub, load))
            assert_asks_to_come_again(answer_to(hub, "GET", "/admin/", headers=LOGGED_IN))
        assert json.loads(post(hub, load).body)["code"] in {"unavailable", "busy"}
        assert hub.get("/health/live")[0] == 200
        assert ready_state(hub)["database"] != "ok"
        time.sleep(5)
    wait_until(hub.is_ready, seconds=90)

    assert post(hub, load).status == 207
    with load.running():
        load.wait_for_answers(50)
    assert_all_is_stored_once(hub, load)
    assert_log_is_short(hub, since)
    assert hub.output[since:].count("The database does not start") == 1
