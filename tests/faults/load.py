"""Apps that keep sending activities, whatever happens to the hub, and what has become of them."""

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import contextmanager
from itertools import count, pairwise
from pathlib import Path
from uuid import uuid4

import psycopg

_MAKE_KEY = """
from channels.keys import create_api_key
from channels.models import Channel
from contacts.models import Contact
channel = Channel.objects.create(code_name="app-%s")
contacts = [str(Contact.objects.create().guid) for _ in range(20)]
print(channel.guid, create_api_key(channel, name="Test")[1], *contacts)
"""
_PATH = "/Kentico.Tracking/activities"
_APPS = 6
_ACTIVITIES = 5
# One of so many requests has a form, which is work for the worker.
_TURNS_BETWEEN_FORMS = 100
_SECONDS_TO_ANSWER = 10
# How soon an app that got no answer, or a refusal, tries again.
_SECONDS_BETWEEN_ATTEMPTS = 0.05
# Whatever is not acknowledged by then is lost.
_SECONDS_TO_FINISH = 30


class Load:
    """Some apps that send activities with ids, and send again what was not acknowledged."""

    def __init__(self, hub, *, apps=_APPS):
        self._hub = hub
        self.channel, key, *self.contacts = hub.shell(_MAKE_KEY % uuid4().hex[:8]).split()
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._stop = threading.Event()
        self._give_up_at = float("inf")
        self._threads = [threading.Thread(target=self._send, args=[n]) for n in range(apps)]
        self.acknowledged: set[str] = set()
        # The ids that no answer came for, though the app has tried.
        self.unanswered: set[str] = set()
        # When answers came that acknowledge activities.
        self.answered_at: list[float] = []
        # Of other answers, or of what went wrong instead, how many there were.
        self.refusals: Counter[str] = Counter()
        self.longest_answer = 0.0

    @contextmanager
    def running(self):
        """Send as long as the block lasts, and then until everything is acknowledged."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self.finish()

    def finish(self):
        """Send nothing new any more."""
        self._give_up_at = min(self._give_up_at, time.monotonic() + _SECONDS_TO_FINISH)
        self._stop.set()
        for thread in self._threads:
            thread.join(_SECONDS_TO_FINISH + _SECONDS_TO_ANSWER)

    def give_up(self):
        """Send nothing any more, not even again."""
        self._give_up_at = 0.0
        self.finish()

    def wait_for_answers(self, number):
        """Wait until so many more requests are acknowledged."""
        wanted = len(self.answered_at) + number
        deadline = time.monotonic() + 30
        while len(self.answered_at) < wanted:
            assert time.monotonic() < deadline, f"no answers: {self.refusals}"
            time.sleep(0.01)

    def longest_silence(self, since):
        """The most seconds between one answer and the next, from some moment on."""
        times = [since, *sorted(moment for moment in self.answered_at if moment > since)]
        return max(later - earlier for earlier, later in pairwise(times))

    def request(self, ids):
        """The bytes of a request with clicks of these ids."""
        activities = [{"type": "click", "value": "Buy", "id": one} for one in ids]
        given = {"channel": self.channel, "contact": self.contacts[0], "activities": activities}
        body = json.dumps(given).encode()
        headers = {**self.headers, "Host": "127.0.0.1", "Content-Length": str(len(body))}
        lines = [f"POST {_PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _send(self, number):
        connection = None
        contact = self.contacts[number % len(self.contacts)]
        for turn in count():
            if self._stop.is_set():
                break
            ids = [str(uuid4()) for _ in range(_ACTIVITIES)]
            activities = [{"type": "click", "value": "Buy", "id": one} for one in ids]
            if turn % _TURNS_BETWEEN_FORMS == 0:
                activities[0] |= {"type": "datainput", "contactFields": {"ContactZIP": str(turn)}}
            body = {"channel": self.channel, "contact": contact, "activities": activities}
            connection = self._send_until_acknowledged(connection, json.dumps(body), ids)
        if connection:
            connection.close()

    def _send_until_acknowledged(self, connection, body, ids):
        while time.monotonic() < self._give_up_at:
            started_at = time.monotonic()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(
                        "127.0.0.1", self._hub.port, timeout=_SECONDS_TO_ANSWER
                    )
                connection.request("POST", _PATH, body, self.headers)
                response = connection.getresponse()
                status, answer = response.status, response.read()
            except (OSError, http.client.HTTPException) as error:
                status, answer = type(error).__name__, b""
                connection.close()
                connection = None
            now = time.monotonic()
            self.longest_answer = max(self.longest_answer, now - started_at)
            if status == 207:
                assert json.loads(answer)["results"] == [{"status": 202}] * len(ids)
                self.acknowledged.update(ids)
                self.answered_at.append(now)
                return connection
            self.refusals[str(status)] += 1
            time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
        self.unanswered.update(ids)
        return connection


def connect(home):
    """A connection to the PostgreSQL of the hub in `home`."""
    lines = (Path(home) / "postgres" / "postmaster.pid").read_text().splitlines()
    return psycopg.connect(
        host=lines[4],
        port=int(lines[3]),
        user="throughline",
        password=(Path(home) / "postgres.password").read_text(),
        dbname="throughline",
        autocommit=True,
    )


def writing_backend(database):
    """The process of PostgreSQL that is writing activities now."""
    while True:
        row = database.execute(
            "SELECT pid FROM pg_locks WHERE relation = 'activities_activity'::regclass"
            " AND mode = 'RowExclusiveLock' LIMIT 1"
        ).fetchone()
        if row:
            return row[0]


def stored_ids(home, channel):
    """The ids of the activities of a channel in the database, each as often as it is there."""
    with connect(home) as database:
        rows = database.execute(
            "SELECT client_id FROM activities_activity"
            " WHERE channel_id = (SELECT id FROM channels_channel WHERE guid = %s)",
            [channel],
        )
        return Counter(str(row[0]) for row in rows)


def waiting_forms(home):
    """How many forms wait for a worker."""
    with connect(home) as database:
        return database.execute(
            "SELECT count(*) FROM activities_datainput WHERE outcome = 'pending'"
        ).fetchone()[0]
