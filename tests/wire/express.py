"""An HTTP client whose requests come by the express lane first, as they do in the web process."""

import json

from django.http import HttpResponse
from django.test import Client

from activities.recording import record_activities
from channels.keys import find_api_key, note_use
from tracking.asgi import Answer
from tracking.headless import express
from tracking.headless.authentication import bearer_token


class ExpressClient(Client):
    """Django's test client behind the express lane; `taken` counts what that has answered.

    It needs REMEMBERED_SECONDS: the lane takes what the process remembers.
    """

    taken = 0

    def generic(self, method, path, data="", content_type="application/json", **extra):
        body = data if isinstance(data, bytes) else data.encode()
        headers = extra.get("headers") or {}
        token = bearer_token(headers.get("Authorization", ""))
        if key := find_api_key(token, access="tracking"):
            note_use(key)
        scope = {
            "method": method,
            "path": path,
            "headers": _encoded({"Host": "testserver", **headers}),
        }
        answer = _run(express.answer(scope, body)) if express.is_usual(scope) else None
        if answer is None:
            return super().generic(method, path, data, content_type, **extra)
        type(self).taken += 1
        return _response(answer)


async def record_here(drafts, **about):
    """What `record_activities_async` does, in the transaction of a test."""
    return record_activities(drafts, **about)


def _encoded(headers):
    return [(name.lower().encode(), value.encode("latin1")) for name, value in headers.items()]


def _run(coroutine):
    # Without an event loop: with one, Django would refuse to talk to the database.
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("The lane waits for something.")


def _response(answer: Answer):
    response = HttpResponse(answer.body, status=answer.status)
    for name, value in answer.headers:
        response[name.decode()] = value.decode()
    response.json = lambda: json.loads(answer.body)
    return response
