"""Requests to the ASGI application, as a server makes them."""

import json
from contextlib import asynccontextmanager

from asgiref.testing import ApplicationCommunicator

from activities import recording
from config import asgi
from config.serving import CAN_BE_TOLD
from database import loop, transactions
from tests.factories import make_contact
from tests.threads import run_in_loop

PATH = "/Kentico.Tracking/activities"
CLICK = {"type": "click", "value": "Buy"}
# Who has answered: the event loop, or Django.
LOOP, DJANGO = "event loop", "Django"
# What goes to PostgreSQL in one round trip: questions, a transaction, or a step of one.
QUESTIONS, COMMIT, STEP = "questions", "commit", "step of a transaction"
# What follows of a body that does not go on.
SILENCE = "silence"
# The client ends it, and takes an answer.
ENDS_EARLY = "ends early"


class Server:
    """Sends requests to the ASGI application as a server does, and notes what they take.

    For each request, `ways` says who has answered it and `threads` how often a thread was used;
    `trips` has the round trips of the event loop, each with the number of its statements.
    """

    def __init__(self, monkeypatch):
        self.ways, self.threads, self.trips = [], [], []
        self._note_answers_of_django(monkeypatch)
        self._note_threads(monkeypatch)
        self._note_trips(monkeypatch, loop, QUESTIONS)
        self._note_commits(monkeypatch, recording)
        self._note_trips(monkeypatch, transactions, STEP)

    def _note_answers_of_django(self, monkeypatch):
        answer = asgi._django.answer

        async def noted(*arguments):
            self.ways[-1] = DJANGO
            return await answer(*arguments)

        monkeypatch.setattr(asgi._django, "answer", noted)

    def _note_threads(self, monkeypatch):
        submit = asgi._django.threads.submit

        def noted(*arguments, **named):
            self.threads[-1] += 1
            return submit(*arguments, **named)

        monkeypatch.setattr(asgi._django.threads, "submit", noted)

    def _note_trips(self, monkeypatch, module, kind):
        fetch = module.fetch

        async def noted(connection, questions, **named):
            self.trips[-1].append((kind, len(questions)))
            return await fetch(connection, questions, **named)

        monkeypatch.setattr(module, "fetch", noted)

    def _note_commits(self, monkeypatch, module):
        run_at_once = module.run_at_once

        async def noted(questions, connection):
            trips = [*self.trips[-1], (COMMIT, len(questions))]
            await run_at_once(questions, connection)
            # It is one trip, whatever it was made of.
            self.trips[-1][:] = trips

        monkeypatch.setattr(module, "run_at_once", noted)

    def send(
        self,
        path=PATH,
        body=b"",
        *,
        method="POST",
        headers=(),
        pieces=None,
        query=b"",
        client=("127.0.0.1", 1),
    ):
        """The status, the headers and the body of the answer; None if there is none."""
        self.ways.append(LOOP)
        self.threads.append(0)
        self.trips.append([])
        given = {"host": "testserver", **dict(headers)}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": query,
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": client,
            "server": ("127.0.0.1", 8000),
        }
        return run_in_loop(self._talk_alone(scope, pieces or [body]))

    async def _talk_alone(self, scope, pieces):
        async with lifespan():
            # Those of the start do not count, nor those of the end.
            self.threads[-1] = 0
            answer = await talk(scope, pieces)
            used = self.threads[-1]
        self.threads[-1] = used
        return answer


@asynccontextmanager
async def lifespan():
    """The application has started, and ends afterwards."""
    application = ApplicationCommunicator(asgi.application, {"type": "lifespan"})
    await application.send_input({"type": "lifespan.startup"})
    assert await application.receive_output(20) == {"type": "lifespan.startup.complete"}
    try:
        yield
    finally:
        await application.send_input({"type": "lifespan.shutdown"})
        assert await application.receive_output(20) == {"type": "lifespan.shutdown.complete"}
        await application.wait(5)


async def talk(scope, pieces):
    server = ApplicationCommunicator(asgi.application, scope)
    *others, last = pieces
    for piece in others:
        await server.send_input({"type": "http.request", "body": piece, "more_body": True})
    if last is None:
        await server.send_input({"type": "http.disconnect"})
        await server.wait(10)
        return None
    if last is ENDS_EARLY:
        await server.send_input({"type": "http.disconnect", CAN_BE_TOLD: True})
    elif last is not SILENCE:
        await server.send_input({"type": "http.request", "body": last, "more_body": False})
    start = await server.receive_output(20)
    end = await server.receive_output(20)
    await server.wait(10)
    return start["status"], _by_name(start["headers"]), end["body"]


def _by_name(headers):
    """These headers, of which several cookies are on lines of one."""
    made = {}
    for name, value in headers:
        name, value = name.decode().lower(), value.decode()
        made[name] = f"{made[name]}\n{value}" if name in made else value
    return made


def message(key, *activities, contact=None, **changes):
    given = {
        "channel": str(key.channel.guid),
        "contact": str((contact or make_contact()).guid),
        "activities": list(activities or [CLICK]),
    }
    return json.dumps({**given, **changes}).encode()
