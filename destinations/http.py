"""HTTP to addresses that users have typed: checked, pinned, bounded in time and in what is read."""

import asyncio
import codecs
import io
import logging
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property

import aiohttp
from yarl import URL

from destinations.addresses import InvalidAddress, obstacle_to, read_url
from destinations.failures import say
from destinations.headers import InvalidHeader, check_headers
from destinations.outcomes import MOST_OF_ANSWER
from destinations.resolving import CheckedResolver, socket_to

# For everything: the name, the connection, the request, the answer.
SECONDS = 15.0
# Servers close idle connections after some seconds, many after five. A shorter time here leaves
# fewer requests that go out on a connection that is just being closed.
_KEPT_SECONDS = 4.0
# An answer in one of these is read so; in any other, and without a name, as UTF-8.
_CHARSETS = {"utf-8", "iso8859-1", "cp1252", "ascii"}
_HEADERS = {"User-Agent": "Throughline", "Accept": "*/*", "Accept-Encoding": "identity"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A request to a destination."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """An answer: of its text only the beginning. Without a status there was none.

    :ivar headers: their names in any letter case
    :ivar error: what went wrong before there was an answer, in a sentence
    :ivar is_refused: whether it would be so each time, for the address as it is written or a header
        is not allowed
    :ivar is_cut: whether the text of the answer went on
    """

    status: int | None = None
    headers: Mapping[str, str] | None = None
    text: str = ""
    error: str = ""
    is_refused: bool = False
    is_cut: bool = False


@dataclass
class _Attempt:
    """A request on its way: whether a connection was made for it."""

    has_connected: bool = False


_attempt: ContextVar[_Attempt] = ContextVar("attempt")


class Client:
    """Sends requests: 15 seconds each, no redirects, no proxies that the hub was not told of.

    One for each event loop; an asynchronous context manager that closes its connections. How many
    requests are on their way at a time is the caller's to limit.
    """

    _session: aiohttp.ClientSession

    async def __aenter__(self) -> "Client":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=CheckedResolver(),
                socket_factory=_connecting_socket,
                limit=0,
                keepalive_timeout=_KEPT_SECONDS,
            ),
            headers=_HEADERS,
            skip_auto_headers=["Content-Type"],
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            # Neither proxies nor passwords from the environment and from ~/.netrc.
            trust_env=False,
            # Of an answer that is packed, nobody unpacks more than was read.
            auto_decompress=False,
            read_bufsize=MOST_OF_ANSWER,
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def ask(self, request: Request) -> Answer:
        """The answer to a request. Never raises but when cancelled.

        What the destination has answered by then counts, even if the rest of its text does not
        come.
        """
        try:
            url = read_url(request.url)
            check_headers(request.headers)
        except (InvalidAddress, InvalidHeader) as refused:
            return Answer(error=str(refused), is_refused=True)
        if reason := obstacle_to(url):
            return Answer(error=reason, is_refused=True)
        return await self._ask(request, url)

    async def _ask(self, request: Request, url: URL) -> Answer:
        response: aiohttp.ClientResponse | None = None
        text, is_whole = bytearray(), False
        try:
            async with asyncio.timeout(SECONDS):
                response = await self._send(request, url)
                is_whole = await _read(response, text)
        except Exception as error:
            if response is None:
                return _without_answer(error, url)
        finally:
            if response is not None and not is_whole:
                # What goes on is not read, so nothing else can go over this connection.
                response.close()
        assert response is not None
        return Answer(
            status=response.status,
            headers=response.headers,
            text=_as_text(response, bytes(text[:MOST_OF_ANSWER]), is_whole=is_whole),
            is_cut=not is_whole,
        )

    async def _send(self, request: Request, url: URL) -> aiohttp.ClientResponse:
        """The answer as far as its text, which has not been read.

        The destination may close a connection from an earlier request just when the next one goes
        out on it. That is not its failure, so it is asked again on a new one: the hub cannot tell
        whether it has seen the first, but what comes twice has the same id.
        """
        attempt = _Attempt()
        _attempt.set(attempt)
        try:
            return await self._send_once(request, url)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if attempt.has_connected:
                raise
        return await self._send_once(request, url)

    async def _send_once(self, request: Request, url: URL) -> aiohttp.ClientResponse:
        return await self._session.request(
            request.method,
            url,
            headers=request.headers,
            # Of more than a megabyte aiohttp warns, unless it is a file.
            data=io.BytesIO(request.body) if request.body else None,
            allow_redirects=False,
            ssl=self._tls if url.scheme == "https" else True,
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The certificates of the system, or those of SSL_CERT_FILE: read if they are needed."""
        return ssl.create_default_context()


def _connecting_socket(info: Sequence) -> socket.socket:
    _attempt.get(_Attempt()).has_connected = True
    return socket_to(info)


async def _read(response: aiohttp.ClientResponse, text: bytearray) -> bool:
    """Add the beginning of the answer to `text`; whether that was all of it."""
    while len(text) <= MOST_OF_ANSWER:
        piece = await response.content.read(MOST_OF_ANSWER + 1 - len(text))
        if not piece:
            return True
        text += piece
    return False


def _without_answer(error: Exception, url: URL) -> Answer:
    text = say(error, url, seconds=SECONDS)
    if not isinstance(error, aiohttp.ClientError | OSError):
        _log.warning("A request to a destination failed: %s", type(error).__name__)
    # Also if the name has led to an address that is not allowed: names lead elsewhere again, and a
    # worker may have been told of fewer networks than the others. So it is tried again.
    return Answer(error=text)


def _as_text(response: aiohttp.ClientResponse, body: bytes, *, is_whole: bool) -> str:
    packed = response.headers.get("Content-Encoding", "identity").strip().lower()
    if body and packed not in ("", "identity"):
        return "(The answer is compressed, although the hub asks for plain text.)"
    decoder = codecs.getincrementaldecoder(_charset_of(response))(errors="replace")
    # PostgreSQL has no NUL in texts. A character that was cut is left out.
    return decoder.decode(body, final=is_whole).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _charset_of(response: aiohttp.ClientResponse) -> str:
    try:
        name = codecs.lookup(response.charset or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return name if name in _CHARSETS else "utf-8"
