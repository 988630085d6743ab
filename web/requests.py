"""Requests of the doors, whichever way they came: from the server, or through Django."""

import os
import time
from functools import cached_property
from typing import Any, Self
from urllib.parse import parse_qsl
from uuid import UUID

from django.http import HttpRequest
from django.http.cookie import parse_cookie

from web.addresses import client_address
from web.answers import Scope
from web.encodings import decode_body
from web.problems import Problem

_MOST_PARAMETERS = 1_000


def new_request_id() -> UUID:
    """A new id for a request, in the order of time (UUIDv7), so that indexes grow at one end."""
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10))
    return UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


class Request:
    """One request of a door, with what is known by now about where it comes from.

    `headers` has their names in lower case. `body` is the whole body as it was before it was
    compressed, unless that is larger than MAX_BODY_BYTES: then its beginning. What the inspector is
    to say of the request, should it be refused, is noted here as soon as it is known: its
    `channel`, whether the caller has proved to be one by a key (`is_known`), the contact that it is
    about, its mark as a test, the id of the key, and the `payload`, which leaves out keys. What the
    door needs beside it to read the request again is its `context`.
    """

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        body: bytes,
        peer: str = "",
        request_id: UUID | None = None,
        obstacle: Problem | None = None,
    ):
        self.method, self.path, self.query = method, path, query
        self.headers, self.peer = headers, peer
        # What came, and why it cannot be read, if that is known by now.
        self._sent, self._obstacle = body, obstacle
        self.id = request_id or new_request_id()
        self._payload: bytes | None = None
        self.channel: Any = None
        self.is_known = False
        self.contact_guid = self.test_code = ""
        self.key_id: int | None = None
        self.context: dict[str, Any] | None = None

    @classmethod
    def of_scope(cls, scope: Scope, body: bytes, obstacle: Problem | None = None) -> Self:
        """The request that a server made this ASGI scope for.

        `obstacle` is why its body could not be read.
        """
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin1"), raw_value.decode("latin1")
            if name in headers:
                # HTTP/2 may send cookies one by one.
                value = f"{headers[name]}{'; ' if name == 'cookie' else ','}{value}"
            headers[name] = value
        if "host" not in headers and scope.get("server"):
            # HTTP/1.0 has none: the server stands for itself.
            headers["host"] = scope["server"][0]
        client = scope.get("client")
        return cls(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin1"),
            headers,
            body,
            client[0] if client else "",
            obstacle=obstacle,
        )

    @classmethod
    def of_django(cls, request: HttpRequest, body: bytes, obstacle: Problem | None = None) -> Self:
        """The same of a request of Django's, which has its id already if it is one of a door."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers.setdefault("host", request.META.get("SERVER_NAME", ""))
        made = cls(
            request.method or "",
            request.path_info,
            request.META.get("QUERY_STRING", ""),
            headers,
            body,
            request.META.get("REMOTE_ADDR", ""),
            getattr(request, "request_id", None),
            obstacle,
        )
        made.cookies = request.COOKIES
        return made

    @cached_property
    def body(self) -> bytes:
        """The body, decoded.

        :raises Problem: 400, 408, 413 or 415, if it cannot be read
        """
        if self._obstacle is None and "content-encoding" in self.headers:
            try:
                return decode_body(self._sent, self.headers["content-encoding"])
            except Problem as problem:
                self._obstacle = problem
        if self._obstacle is not None:
            raise self._obstacle
        return self._sent

    @property
    def readable_body(self) -> bytes:
        """The body, or b"" if it cannot be read."""
        try:
            return self.body
        except Problem:
            return b""

    @property
    def payload(self) -> bytes:
        """What the inspector keeps of it: the body, unless something else was set."""
        return self.readable_body if self._payload is None else self._payload

    @payload.setter
    def payload(self, payload: bytes) -> None:
        self._payload = payload

    def takes_long(self, most: int) -> bool:
        """Whether reading it may take longer than reading a body of `most` bytes."""
        return len(self._sent) > most or "content-encoding" in self.headers

    @property
    def host(self) -> str:
        """The host that it was sent to, in lower case, with a port if there is one."""
        return self.headers.get("host", "").lower()

    @property
    def origin(self) -> str:
        """The website that a browser sent it from, or ""."""
        return self.headers.get("origin", "")

    @property
    def user_agent(self) -> str:
        return self.headers.get("user-agent", "")

    @property
    def address(self) -> str:
        """The address of the caller."""
        return client_address(self.headers.get("x-forwarded-for", ""), self.peer)

    @property
    def content_type(self) -> str:
        """What the body is, without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def cookies(self) -> dict[str, str]:
        return parse_cookie(self.headers.get("cookie", ""))

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of the query; of several with one name the last.

        :raises Problem: 400, if there are very many
        """
        try:
            return dict(
                parse_qsl(
                    self.query.encode("latin1", "replace").decode(errors="replace"),
                    keep_blank_values=True,
                    errors="replace",
                    max_num_fields=_MOST_PARAMETERS,
                )
            )
        except ValueError:
            raise Problem(400, "bad_request", "The query has too many parameters.") from None

    @property
    def length(self) -> int:
        """How many bytes the body has, or is said to have."""
        declared = self.headers.get("content-length", "")
        said = int(declared) if declared.isascii() and declared.isdigit() else 0
        return max(len(self.readable_body), said)
