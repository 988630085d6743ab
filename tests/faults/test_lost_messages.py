"""A broker loses every message: the next sweep does the work all the same."""

import json
import subprocess
import sys
import urllib.request

import pytest

from tests.config.hub import ROOT, Web, clean_environment, manage, wait_until
from tests.faults.load import connect

QUEUES = ("data_input", "merging")
MAKE_KEY = """
from channels.keys import create_api_key
from channels.models import Channel
channel = Channel.objects.create(code_name="app")
print(channel.guid, create_api_key(channel, name="Test")[1])
"""
REQUEST_MERGE = """
from contacts.merging import request_merge
from contacts.models import Contact
ann, other = Contact.objects.create(email="ann@example.com"), Contact.objects.create(zip="8010")
request_merge(survivor=ann, loser=other, reason="marketer")
"""
MAKE_ANN = """
from contacts.models import Contact
Contact.objects.create(email="ann@example.com", city="Graz")
"""
# Everybody who is known, with the number of contacts who were merged into them.
PEOPLE = """
SELECT email, first_name, city, zip,
    (SELECT count(*) FROM contacts_contact loser WHERE loser.merged_into_id = one.id)
FROM contacts_contact one WHERE merged_into_id IS NULL ORDER BY id
"""


class FileBroker:
    """The broker that the hub brings along."""

    environment = {}

    def __init__(self, home):
        self._messages = home / "broker" / "messages"

    def lose(self):
        """Drop every message of the queues, and return how many there were of each."""
        # The bell rings outside of the answer.
        wait_until(lambda: any(self._messages.glob("*.msg")))
        lost = {}
        for queue in QUEUES:
            files = list(self._messages.glob(f"*.{queue}.msg"))
            for file in files:
                file.unlink()
            lost[queue] = len(files)
        return lost


class App:
    """An application that reports to the hub."""

    def __init__(self, hub):
        self._hub = hub
        self._channel, self._key = hub.shell(MAKE_KEY).split()

    def post(self, path, body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._hub.port}/Kentico.Tracking/{path}",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=15) as response:
            return json.load(response)

    def submit(self, **fields):
        """A new contact fills in a form."""
        contact = self.post("contacts", {})["contact"]
        activity = {"type": "datainput", "value": "Form", "contactFields": fields}
        body = {"channel": self._channel, "contact": contact, "activities": [activity]}
        assert self.post("activities", body) == {"results": [{"status": 202}]}


@pytest.fixture
def home(homes, tmp_path):
    return homes.copy(tmp_path / "hub")


@pytest.fixture
def broker(home):
    return FileBroker(home)


@pytest.fixture
def hub(home, broker):
    """A hub that takes requests, while nobody listens to its messages."""
    with Web(home, **broker.environment) as hub:
        yield hub


@pytest.fixture
def start_work(hub, broker):
    """A function that starts worker and scheduler."""
    started = []

    def start():
        environment = clean_environment(hub.home, SWEEP_SECONDS="1", **broker.environment)
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
        worker = [*celery, "worker", "--pool", "threads", "--concurrency", "4"]
        for command in ([*worker, "--queues", "default,data_input,merging"], [*celery, "beat"]):
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            started.append(process)

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(timeout=30)


def people(hub):
    # A shell would have to start each time, beside a worker that starts.
    with connect(hub.home) as database:
        return database.execute(PEOPLE).fetchall()


def test_data_input_whose_message_was_lost_is_applied(hub, broker, start_work):
    App(hub).submit(ContactFirstName="Luke")

    lost, before = broker.lose(), people(hub)
    start_work()

    assert lost == {"data_input": 1, "merging": 0}
    assert before == [("", "", "", "", 0)]
    wait_until(lambda: people(hub) == [("", "Luke", "", "", 0)], seconds=60)


def test_known_email_in_a_lost_message_is_merged(hub, broker, start_work):
    hub.shell(MAKE_ANN)
    App(hub).submit(ContactEmail="ann@example.com", ContactFirstName="Ann")

    lost, before = broker.lose(), people(hub)
    start_work()

    assert lost == {"data_input": 1, "merging": 0}
    assert before == [("ann@example.com", "", "Graz", "", 0), ("", "", "", "", 0)]
    wait_until(lambda: people(hub) == [("ann@example.com", "Ann", "Graz", "", 1)], seconds=60)


def test_merge_whose_message_was_lost_is_carried_out(hub, broker, start_work):
    # A shell beside the hub, which has to use the hub's broker.
    done = manage(
        hub.home, "shell", "--verbosity", "0", "--command", REQUEST_MERGE, **broker.environment
    )
    assert done.returncode == 0, done.stderr

    lost, before = broker.lose(), people(hub)
    start_work()

    assert lost == {"data_input": 0, "merging": 1}
    assert before == [("ann@example.com", "", "", "", 0), ("", "", "", "8010", 0)]
    wait_until(lambda: people(hub) == [("ann@example.com", "", "", "8010", 1)], seconds=60)
