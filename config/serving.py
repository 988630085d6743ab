"""From ASGI to Django: each request in one thread of a pool, as Django's views want it.

Django's own ASGI handler starts a thread for each request.
"""

import asyncio
import io
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from django.conf import settings
from django.core import signals
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from web.answers import Answer, Receive, Scope
from web.problems import Problem, too_slow, unreadable

# In the message that a client has gone: it has ended its body early, and takes an answer.
CAN_BE_TOLD = "throughline.can_be_told"
# Bodies up to here stay in memory.
SMALL_BODY_BYTES = 256 * 1024
# Within so many seconds a body has to be there.
_BODY_SECONDS = 120.0
# How much of a body that nobody wants is read, in bodies of the largest allowed size; and for how
# many seconds.
_UNWANTED_BODIES = 4
_UNWANTED_SECONDS = 5.0


class ThreadedDjango(ASGIHandler):
    """Django with its middleware and views, in so many threads."""

    def __init__(self, threads: int):
        # Not ASGIHandler's own: it would prepare the middleware for an event loop.
        super(BaseHandler, self).__init__()
        self.load_middleware()
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="web")

    async def answer(self, scope: Scope, body: IO[bytes]) -> Answer:
        """What Django answers."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, self._answer, scope, body)

    def _answer(self, scope: Scope, body: IO[bytes]) -> Answer:
        scope["headers"] = _with_one_cookie(scope["headers"])
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        with body:
            request, refusal = self.create_request(scope, body)
            if request is None:
                assert refusal is not None
                return _finish(refusal)
            # Without one, as when it comes in chunks, Django would take any size.
            request.META.setdefault("CONTENT_LENGTH", str(body.seek(0, io.SEEK_END)))
            body.seek(0)
            return _finish(self.get_response(request))


async def read_body(receive: Receive) -> IO[bytes] | Problem | None:
    """The body of a request, a large one in a file; or what is wrong with it.

    None stands for a client that has gone: there is nobody to tell.

    Of one that is larger than allowed, this is the start: enough to refuse it. What follows is read
    and thrown away, within limits. Most clients send all of it before they look for an answer: if
    the connection were closed under them, they would report that and never see the answer.
    """
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await _read_body(receive)
    except TimeoutError:
        return too_slow()


async def _read_body(receive: Receive) -> IO[bytes] | Problem | None:
    message = await receive()
    start = bytearray(message.get("body", b""))
    while message.get("more_body") and len(start) <= SMALL_BODY_BYTES:
        message = await receive()
        start += message.get("body", b"")
    body: IO[bytes] = io.BytesIO(start)
    if message.get("more_body"):
        body = tempfile.TemporaryFile()  # noqa: SIM115 -- it is closed by whoever answers
        body.write(start)
    left = settings.MAX_BODY_BYTES + 1 - len(start)
    while left > 0 and message.get("more_body"):
        message = await receive()
        left -= body.write(message.get("body", b"")[:left])
    if message.get("more_body"):
        await _throw_away(receive)
    if message["type"] == "http.disconnect":
        body.close()
        # The server says so if it can still send.
        return unreadable() if message.get(CAN_BE_TOLD) else None
    body.seek(0)
    return body


async def _throw_away(receive: Receive) -> None:
    left = _UNWANTED_BODIES * settings.MAX_BODY_BYTES
    try:
        async with asyncio.timeout(_UNWANTED_SECONDS):
            is_more = True
            while is_more and left > 0:
                message = await receive()
                is_more = message.get("more_body", False)
                left -= len(message.get("body", b""))
    except TimeoutError:
        pass


def _with_one_cookie(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """`headers` with the cookies in one, which HTTP/2 may split and Django joins with commas."""
    cookies = [value for name, value in headers if name == b"cookie"]
    if len(cookies) < 2:
        return headers
    others = [header for header in headers if header[0] != b"cookie"]
    return [*others, (b"cookie", b"; ".join(cookies))]


def _finish(response: HttpResponseBase) -> Answer:
    """What to send of a response, after having closed it in the thread that made it."""
    try:
        body = b"".join(response)
    finally:
        response.close()
    if not response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(body))
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    for cookie in response.cookies.values():
        headers.append((b"Set-Cookie", cookie.output(header="").strip().encode("ascii")))
    return Answer(response.status_code, headers, body)
