"""The ASGI application: doors are answered in the event loop, the rest by Django in threads."""

import gc
import os
from io import BytesIO
from typing import IO

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

# These need the settings, and the apps.
from django.conf import settings  # noqa: E402

from activities.recording import open_shared_commit  # noqa: E402
from config.health import answer_live  # noqa: E402
from config.refusals import answer_of  # noqa: E402
from config.serving import FileAnswer, ThreadedDjango, read_body  # noqa: E402
from config.uploads import UPLOAD_PATH, allowance_of  # noqa: E402
from database.loop import in_thread, open_database  # noqa: E402
from readers.reading import begin  # noqa: E402
from web.answers import Answer, Receive, Scope, Send  # noqa: E402
from web.django import OBSTACLE  # noqa: E402
from web.doors import door_at, exchange_at  # noqa: E402
from web.exchanges import Exchange, answer, finish_answer  # noqa: E402
from web.problems import Problem  # noqa: E402
from web.requests import Request  # noqa: E402

_django = ThreadedDjango(settings.WEB_THREADS)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, or live for as long as the server does."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    if scope["type"] != "http":
        return
    is_upload = scope["path"] == UPLOAD_PATH
    body = await read_body(receive, await allowance_of(scope) if is_upload else None)
    if body is None:
        return
    exchange = exchange_at(scope["method"], scope["path"])
    made: Answer | FileAnswer
    if live := answer_live(scope):
        made = live
    elif isinstance(body, Problem):
        made = await _refuse(exchange, scope, body)
    elif exchange is None:
        made = await _django.answer(scope, body)
    else:
        made = await _answer(exchange, scope, body)
    await made.send(send)


async def _refuse(
    exchange: type[Exchange] | None, scope: Scope, problem: Problem
) -> Answer | FileAnswer:
    """What is answered about a body that cannot be read, at a door in its format."""
    made: Answer | FileAnswer
    if exchange is not None:
        made = await answer(exchange(Request.of_scope(scope, b"", problem)))
    elif door_at(scope["path"]):
        made = await _django.answer({**scope, OBSTACLE: problem}, BytesIO())
    else:
        made = answer_of(problem)
    # What may still come of the body is no request.
    made.headers.append((b"connection", b"close"))
    return made


async def _answer(exchange: type[Exchange], scope: Scope, body: IO[bytes]) -> Answer:
    if isinstance(body, BytesIO):
        return await answer(exchange(Request.of_scope(scope, body.getvalue())))
    # It came in a file, which a thread reads.
    return await in_thread(_answer_in_thread, exchange, scope, body)


def _answer_in_thread(exchange: type[Exchange], scope: Scope, body: IO[bytes]) -> Answer:
    with body:
        return finish_answer(exchange(Request.of_scope(scope, body.read())))


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    async with open_database(_django.threads), open_shared_commit():
        await in_thread(begin)
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


# What has been made by now stays for good. Looking through it for garbage, again and again, would
# keep requests waiting for a tenth of a second each time.
gc.collect()
gc.freeze()
