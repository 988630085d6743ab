"""Requests to the ASGI application, as a server makes them."""

import json

from asgiref.testing import ApplicationCommunicator

from config import asgi
from tests.factories import make_contact
from tests.threads import run_in_loop

PATH = "/Kentico.Tracking/activities"
CLICK = {"type": "click", "value": "Buy"}
LANE, VIEW = "express lane", "view"
# What follows of a body that does not go on.
SILENCE = "silence"


class Server:
    """Sends requests to the ASGI application as a server does; `ways` says who answered them."""

    def __init__(self, monkeypatch):
        self.ways = []
        answer = asgi._django.answer

        async def noted(*arguments):
            self.ways[-1] = VIEW
            return await answer(*arguments)

        monkeypatch.setattr(asgi._django, "answer", noted)

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
        self.ways.append(LANE)
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
        return run_in_loop(talk(scope, pieces or [body]))


async def talk(scope, pieces):
    server = ApplicationCommunicator(asgi.application, scope)
    *others, last = pieces
    for piece in others:
        await server.send_input({"type": "http.request", "body": piece, "more_body": True})
    if last is None:
        await server.send_input({"type": "http.disconnect"})
        await server.wait(10)
        return None
    if last is not SILENCE:
        await server.send_input({"type": "http.request", "body": last, "more_body": False})
    start = await server.receive_output(20)
    end = await server.receive_output(20)
    await server.wait(10)
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, end["body"]


def message(key, *activities, contact=None, **changes):
    given = {
        "channel": str(key.channel.guid),
        "contact": str((contact or make_contact()).guid),
        "activities": list(activities or [CLICK]),
    }
    return json.dumps({**given, **changes}).encode()
