"""The WSGI application that Granian serves."""

import io
import os
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

# How much of a body that nobody wants is read, in bodies of the largest allowed size; how long that
# may take; and how much of it is in memory at a time.
_UNWANTED_BODIES = 4
_UNWANTED_SECONDS = 5.0
_PIECE_BYTES = 64 * 1024

_django = get_wsgi_application()


def application(environ, start_response):
    """Django's application, for requests without a Content-Length as well.

    Django takes a body that is sent in chunks for an empty one. So such a body is read here, up to
    one byte more than is allowed: enough for the view to refuse it as too large.
    """
    body = environ["wsgi.input"]
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        start = body.read(settings.MAX_BODY_BYTES + 1)
        environ["wsgi.input"] = io.BytesIO(start)
        environ["CONTENT_LENGTH"] = str(len(start))
    response = _django(environ, start_response)
    _discard(body)
    return response


def _discard(body):
    """Read what is left of a body that was answered before its end, as when it is too large.

    Most clients send all of it before they look for an answer. If the connection were closed under
    them, they would report that and never see the answer.
    """
    left = _UNWANTED_BODIES * settings.MAX_BODY_BYTES
    give_up_at = time.monotonic() + _UNWANTED_SECONDS
    while left > 0 and time.monotonic() < give_up_at:
        piece = body.read(min(_PIECE_BYTES, left))
        if not piece:
            break
        left -= len(piece)
