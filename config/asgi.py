"""The ASGI application that Granian serves."""

import gc
import os
from io import BytesIO

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

# These need the settings, and the apps.
from django.conf import settings  # noqa: E402

from config.serving import ThreadedDjango, read_body  # noqa: E402
from tracking.asgi import Receive, Scope, Send  # noqa: E402
from tracking.headless import express  # noqa: E402

_django = ThreadedDjango(settings.WEB_THREADS)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    body = await read_body(receive)
    if body is None:
        return
    answer = None
    if isinstance(body, BytesIO) and express.is_usual(scope):
        answer = await express.answer(scope, body.getvalue())
    if answer is None:
        answer = await _django.answer(scope, body)
    await answer.send(send)


# What has been made by now stays for good. Looking through it for garbage, again and again, would
# keep requests waiting for a tenth of a second each time.
gc.collect()
gc.freeze()
