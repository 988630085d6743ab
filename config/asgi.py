"""The ASGI application that config.web serves."""

import gc
import os
from io import BytesIO

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

# These need the settings, and the apps.
from django.conf import settings  # noqa: E402

from config.serving import ThreadedDjango, read_body  # noqa: E402
from tracking.asgi import Answer, Receive, Scope, Send  # noqa: E402
from tracking.headless import express  # noqa: E402

_django = ThreadedDjango(settings.WEB_THREADS)
# To a client whose body does not come; one that has gone does not get it.
_TOO_SLOW = Answer(408, [(b"content-length", b"0"), (b"connection", b"close")], b"")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, or tell the server when the process is ready and when it has ended."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    if scope["type"] != "http":
        return
    body = await read_body(receive)
    if body is None:
        await _TOO_SLOW.send(send)
        return
    answer = None
    if isinstance(body, BytesIO) and express.is_usual(scope):
        answer = await express.answer(scope, body.getvalue())
    if answer is None:
        answer = await _django.answer(scope, body)
    await answer.send(send)


async def startup() -> None:
    """Start what runs in the event loop beside requests, before the first of them."""


async def shutdown() -> None:
    """End it, after the last."""


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    await startup()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await shutdown()
    await send({"type": "lifespan.shutdown.complete"})


# What has been made by now stays for good. Looking through it for garbage, again and again, would
# keep requests waiting for a tenth of a second each time.
gc.collect()
gc.freeze()
