"""HTTP/1.1 connections, within limits: what clients can take of a web process is bounded.

uvicorn's own wait for ever for the rest of a request's headers, however many there are, and read
pipelined requests faster than they are answered.
"""

import asyncio
import math
import urllib.parse
from enum import Enum
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from config.load import LIMITS, REQUEST_BYTES, Cycle, load
from config.refusals import refusal, say_busy

# The parser is fed so much at a time: in between nothing stops it, whatever it finds.
_PIECE_BYTES = 16 * 1024
_ASCII = bytes(range(128))
# So much of what still comes after a refusal is thrown away, for so long: the client may read it.
_LINGER_BYTES = 10_000_000
_LINGER_SECONDS = 2.0
# So long a connection stays open when the process is to end: a request may be on its way.
_PARTING_SECONDS = 0.1


class _State(Enum):
    IDLE = "between requests"
    HEAD = "in a request line or headers"
    BODY = "in a body"


class _Flow(FlowControl):
    """Reads nothing as long as there is something left of what was read before."""

    def __init__(self, transport: asyncio.Transport, connection: "Connection"):
        super().__init__(transport)
        self._connection = connection

    def resume_reading(self) -> None:
        if not self.read_paused or self._connection.pipeline:
            return
        self.read_paused = False
        self._connection.go_on()
        if not self.read_paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def pause_reading(self) -> None:
        if not self.read_paused and not self._transport.is_closing():
            self.read_paused = True
            self._transport.pause_reading()


class Connection(HttpToolsProtocol):
    """A client's connection."""

    flow: _Flow
    cycle: Cycle

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._state = _State.IDLE
        # Whether all of a request line was read.
        self._has_line = False
        # Whether the parser is to read a head once more, without the wish to upgrade.
        self._reads_again = False
        # Of the head that is being read; in a body, of what came since its last byte.
        self._bytes_read = 0
        # What was read, and is parsed when the requests before it are answered.
        self._unread = b""
        # What the head and `_unread` take of the load.
        self._taken = 0
        self._answering: Cycle | None = None
        self._deadline = math.inf
        # What is said instead of reading on, after the answers that come before it.
        self._refusal: HTTPStatus | None = None
        self._bytes_to_throw_away = _LINGER_BYTES
        # Whether the client has said that it sends no more.
        self._has_ended = False
        # Whether nothing is answered any more.
        self._is_over = False
        self._has_to_end = False
        self._buffered, self._buffered_since = 0, 0.0

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self)
        self._deadline = self.loop.time() + LIMITS.head_seconds
        if len(self.connections) > LIMITS.connections:
            self._is_over = True
            transport.write(self._words_of(HTTPStatus.SERVICE_UNAVAILABLE))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._is_over = True
        if self._answering:
            self._answering.cut_off()
        while self.pipeline:
            self._drop_newest()
        self._forget_unread()

    def data_received(self, data: bytes) -> None:
        if self._is_over or self._refusal:
            self._throw_away(len(data))
            return
        if self._unread or self.flow.read_paused:
            self._keep(data)
        else:
            self._feed(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection open until what was asked is answered: the client may still read."""
        if self._is_over or not self._is_busy:
            return False
        self._has_ended = True
        self._see_end()
        return True

    # What the server calls

    def check(self, now: float) -> None:
        """Close the connection if the client takes too long."""
        buffered = self.transport.get_write_buffer_size()
        if not buffered or buffered != self._buffered:
            self._buffered, self._buffered_since = buffered, now
        elif now - self._buffered_since > LIMITS.stalled_seconds:
            self.transport.abort()
        if now < self._deadline or buffered:
            return
        if self._state is _State.HEAD and not self._is_over:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Answer what was begun, and nothing else."""
        self._has_to_end = True
        if self._is_busy:
            self.cycle.keep_alive = False
        elif self._state is _State.IDLE:
            self.loop.call_later(_PARTING_SECONDS, self._part)

    def _part(self) -> None:
        if self._state is _State.IDLE and not self._is_busy:
            self.transport.close()

    # What the flow of data calls

    def go_on(self) -> None:
        """Parse what was read before."""
        if self._unread:
            data = self._unread
            self._forget_unread()
            self._feed(data)
            if self._has_ended:
                self._see_end()

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._state, self._bytes_read = _State.HEAD, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        # After a body in chunks there may be more; nobody reads them.
        if self._state is _State.HEAD and len(self.headers) <= LIMITS.headers:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if len(self.headers) > LIMITS.headers:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise _Refused
        self._reads_again = self.parser.should_upgrade()
        if self._reads_again:
            return
        self._complete_scope()
        cycle = self._begin_cycle()
        cycle.take(REQUEST_BYTES + self._bytes_read)
        if self._taken:
            self._take(-self._taken)
        app = say_busy if load.is_too_much else self.app
        was_busy = self._is_busy
        self._state, self._bytes_read = _State.BODY, 0
        self._deadline = math.inf
        self.cycle = cycle
        if was_busy:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))  # type: ignore[arg-type]  # ours is looser
        else:
            self._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        self._bytes_read = 0
        if cycle.response_complete:
            return
        cycle.body += body
        if cycle.room_for_body > 0:
            cycle.take(min(len(body), cycle.room_for_body))
            cycle.room_for_body -= len(body)
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        self._state, self._has_line = _State.IDLE, False
        if not self._reads_again and not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    # What a cycle calls

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        answered, self._answering = self._answering, None
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif answered and answered.more_body:
            # It was answered before it was complete, and may have no end.
            self._linger()
        elif self._refusal:
            self._send_refusal(self._refusal)
        else:
            is_begun = self._state is _State.HEAD or self._unread
            seconds = LIMITS.head_seconds if is_begun else LIMITS.idle_seconds
            self._deadline = self.loop.time() + seconds
        self.flow.resume_reading()

    # Reading

    def _see_end(self) -> None:
        """Nothing comes after what is unread: the newest request is the last, complete or not."""
        if self._unread:
            return
        self.cycle.keep_alive = False
        if self._state is _State.BODY:
            self.cycle.end_early()

    @property
    def _is_busy(self) -> bool:
        return self._answering is not None or bool(self.pipeline)

    def _feed(self, data: bytes) -> None:
        if len(data) <= _PIECE_BYTES:
            self._parse(data)
            return
        for start in range(0, len(data), _PIECE_BYTES):
            if self._is_over or self._refusal:
                return
            if self.flow.read_paused:
                self._keep(data[start:])
                return
            self._parse(data[start : start + _PIECE_BYTES])

    def _parse(self, piece: bytes) -> None:
        if not self._has_line and self._state is not _State.BODY:
            piece = self._with_line_in_ascii(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_again(piece[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal or HTTPStatus.BAD_REQUEST)
        else:
            self._count(len(piece))

    def _with_line_in_ascii(self, piece: bytes) -> bytes:
        """`piece` as the parser takes it: what scripts send unescaped in a URL it refuses."""
        is_begun = self._state is _State.HEAD
        start = 0 if is_begun else len(piece) - len(piece.lstrip(b"\r\n"))
        end = piece.find(b"\n", start)
        self._has_line = end >= 0
        if piece.isascii():
            return piece
        line, rest = (piece[:end], piece[end:]) if end >= 0 else (piece, b"")
        return urllib.parse.quote(line, safe=_ASCII).encode("ascii") + rest

    def _read_again(self, rest: bytes) -> None:
        """Read the head, and `rest`, as if the client did not wish to speak something else.

        Those who wish it only offer it, and the parser would not read their body.
        """
        if self.parser.get_method() == b"CONNECT":
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        lines = [b"%s %s HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self._reads_again = False
        self.parser = httptools.HttpRequestParser(self)
        self._parse(b"\r\n".join([*lines, b"", b""]))
        if rest and not self._refusal:
            self._parse(rest)

    def _count(self, size: int) -> None:
        if self._state is _State.IDLE:
            return
        self._bytes_read += size
        is_in_head = self._state is _State.HEAD
        if is_in_head:
            self._take(size)
            if self._bytes_read == size and not self._is_busy:
                self._deadline = self.loop.time() + LIMITS.head_seconds
        if self._bytes_read > LIMITS.head_bytes:
            # In a body, it is an endless chunk extension or trailer.
            too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._refuse(too_large if is_in_head else HTTPStatus.BAD_REQUEST)
        elif load.is_too_much and (is_in_head or self.cycle.room_for_body > 0):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def _keep(self, data: bytes) -> None:
        self._unread += data
        self._take(len(data))

    def _forget_unread(self) -> None:
        self._unread = b""
        self._take(-self._taken)

    def _take(self, size: int) -> None:
        self._taken += size
        load.bytes += size

    # Requests

    def _complete_scope(self) -> None:
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = self.parser.get_http_version()
        parsed = httptools.parse_url(self.url)
        raw_path = parsed.path or b"/"
        path = raw_path.decode("ascii")
        self.scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = parsed.query or b""

    def _begin_cycle(self) -> Cycle:
        keep_alive = self.parser.should_keep_alive()
        headers = self.server_state.default_headers
        if keep_alive and self.scope["http_version"] == "1.0":
            headers = [*headers, (b"connection", b"keep-alive")]
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive and not self._has_to_end,
            on_response=self.on_response_complete,
        )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        assert isinstance(cycle, Cycle)
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    # Refusing

    def _refuse(self, status: HTTPStatus) -> None:
        """Read no further, and say why as soon as the requests before are answered."""
        self._refusal = status
        if self._state is _State.BODY:
            if self.pipeline:
                self._drop_newest()
            elif self._answering:
                if self._answering.response_started:
                    self.transport.abort()
                    return
                self._answering.cut_off()
                self._answering = None
        if not self._is_busy:
            self._send_refusal(status)

    def _drop_newest(self) -> None:
        cycle, _ = self.pipeline.popleft()
        assert isinstance(cycle, Cycle)
        cycle.leave()

    def _send_refusal(self, status: HTTPStatus) -> None:
        if not self.transport.is_closing():
            self.transport.write(self._words_of(status))
            self._linger()

    def _words_of(self, status: HTTPStatus) -> bytes:
        return refusal(status, self.server_state.default_headers)

    def _linger(self) -> None:
        """Close the connection, but not under a client that is still sending.

        It would report that, and never see the answer.
        """
        self._is_over = True
        self._deadline = self.loop.time() + _LINGER_SECONDS
        self._forget_unread()
        self.transport.write_eof()
        self.flow.resume_reading()

    def _throw_away(self, size: int) -> None:
        self._bytes_to_throw_away -= size
        if self._bytes_to_throw_away < 0:
            if self._is_over:
                self.transport.close()
            else:
                self.flow.pause_reading()


class _Refused(Exception):
    """Ends parsing; what to say instead is in the connection."""
