"""From ASGI to Django: each request in one thread of a pool, as Django's views want it.

Django's own ASGI handler starts a thread for each request.
"""

import asyncio
import io
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from django.conf import settings
from django.core import signals
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http.response import FileResponse, HttpResponseBase
from django.urls import set_script_prefix

from config.guests import PAGES_AT_ONCE, REFUSAL_SECONDS, Guests, is_guest
from web.answers import Answer, Headers, Receive, Scope, Send
from web.problems import Problem, too_slow, unreadable

# In the message that a client has gone: it has ended its body early, and takes an answer.
CAN_BE_TOLD = "throughline.can_be_told"
# Bodies up to here stay in memory.
SMALL_BODY_BYTES = 256 * 1024
# Seconds allowed for a body to arrive.
_BODY_SECONDS = 120.0
# How much of a body that nobody wants is read, in bodies of the largest allowed size; and for how
# many seconds.
_UNWANTED_BODIES = 4
_UNWANTED_SECONDS = 5.0
# Of a file that is sent, so much is in memory.
_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Allowance:
    """How many bytes a body may have, and seconds it may take; where it waits if it is large.

    Without `seconds`, it may take as many as any request.
    """

    bytes: int
    seconds: float = 0.0
    folder: Path | None = None


class FileAnswer(NamedTuple):
    """An answer whose body is a file, which may be larger than the memory of a process."""

    status: int
    headers: Headers
    file: IO[bytes]

    async def send(self, send: Send) -> None:
        """Send it piece by piece; a client that is slow keeps no thread waiting."""
        loop = asyncio.get_running_loop()
        with self.file:
            start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
            await send(start)
            while piece := await loop.run_in_executor(None, self.file.read, _PIECE_BYTES):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


class ThreadedDjango(ASGIHandler):
    """Django with its middleware and views, in so many threads."""

    def __init__(self, threads: int):
        # Not ASGIHandler's own: it would prepare the middleware for an event loop.
        super(BaseHandler, self).__init__()
        self.load_middleware()
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._guests = Guests()
        # Threads of their own: what waits for a page keeps nobody else waiting.
        self._threads_for_guests = ThreadPoolExecutor(PAGES_AT_ONCE, thread_name_prefix="guests")

    async def answer(self, scope: Scope, body: IO[bytes]) -> Answer | FileAnswer:
        """What Django answers, or why it is not asked."""
        if is_guest(scope):
            return await self._answer_guest(scope, body)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, self._answer, scope, body)

    async def _answer_guest(self, scope: Scope, body: IO[bytes]) -> Answer | FileAnswer:
        if refusal := self._guests.refuse(scope):
            body.close()
            await asyncio.sleep(REFUSAL_SECONDS)
            return refusal
        loop = asyncio.get_running_loop()
        self._guests.waiting += 1
        try:
            return await loop.run_in_executor(self._threads_for_guests, self._answer, scope, body)
        finally:
            self._guests.waiting -= 1

    def _answer(self, scope: Scope, body: IO[bytes]) -> Answer | FileAnswer:
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


async def read_body(
    receive: Receive, allowance: Allowance | None = None
) -> IO[bytes] | Problem | None:
    """The body of a request, a large one in a file; or what is wrong with it.

    None stands for a client that has gone: there is nobody to tell.

    Of one that is larger than allowed, this is the start: enough to refuse it. What follows is read
    and thrown away, within limits. Most clients send all of it before they look for an answer: if
    the connection were closed under them, they would report that and never see the answer.
    """
    allowance = allowance or Allowance(settings.MAX_BODY_BYTES)
    try:
        async with asyncio.timeout(allowance.seconds or _BODY_SECONDS):
            return await _read_body(receive, allowance)
    except TimeoutError:
        return too_slow()


async def _read_body(receive: Receive, allowance: Allowance) -> IO[bytes] | Problem | None:
    message = await receive()
    start = bytearray(message.get("body", b""))
    while message.get("more_body") and len(start) <= SMALL_BODY_BYTES:
        message = await receive()
        start += message.get("body", b"")
    body: IO[bytes] = io.BytesIO(start)
    if message.get("more_body"):
        body = tempfile.TemporaryFile(dir=allowance.folder)  # noqa: SIM115 -- the answer closes it
        body.write(start)
    left = allowance.bytes + 1 - len(start)
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


def _finish(response: HttpResponseBase) -> Answer | FileAnswer:
    """What to send of a response, after having closed it in the thread that made it."""
    body = b""
    try:
        file = _own_handle_of(response)
        if file is None:
            body = b"".join(response)
    finally:
        response.close()
    if not response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(body))
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    for cookie in response.cookies.values():
        headers.append((b"Set-Cookie", cookie.output(header="").strip().encode("ascii")))
    if file is not None:
        return FileAnswer(response.status_code, headers, file)
    return Answer(response.status_code, headers, body)


def _own_handle_of(response: HttpResponseBase) -> IO[bytes] | None:
    """The file of a response, which stays open when that is closed; None if it has none.

    The static files of WhiteNoise are small, or parts of files.
    """
    if type(response) is not FileResponse:
        return None
    file = response.file_to_stream
    return os.fdopen(os.dup(file.fileno()), "rb") if isinstance(file, io.BufferedReader) else None
