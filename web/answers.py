"""Answers, as a server sends them."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import SimpleCookie
from typing import Any, NamedTuple, Self

import msgspec
from django.http import HttpResponse

Headers = list[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Answer(NamedTuple):
    """What is sent back; the names of `headers` are in lower case."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def of(
        cls,
        body: bytes,
        content_type: str = "",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """An answer with this body, and the headers that every answer needs."""
        made = [(b"content-length", b"%d" % len(body))]
        if content_type:
            made.append((b"content-type", content_type.encode("ascii")))
        for name, value in (headers or {}).items():
            made.append((name.lower().encode("ascii"), value.encode("latin1")))
        return cls(status, made, body)

    @classmethod
    def json(
        cls, value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Self:
        """An answer that is `value` as JSON."""
        return cls.of(
            msgspec.json.encode(value), "application/json", status=status, headers=headers
        )

    async def send(self, send: Send) -> None:
        """Send it, the way that ASGI wants it."""
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})

    def for_django(self) -> HttpResponse:
        """The same as a response of Django's."""
        response = HttpResponse(self.body, status=self.status)
        del response["Content-Type"]
        for name, value in self.headers:
            if name == b"set-cookie":
                _set_cookie(response, value.decode("latin1"))
            else:
                response[name.decode("ascii").title()] = value.decode("latin1")
        return response


def _set_cookie(response: HttpResponse, header: str) -> None:
    cookie = SimpleCookie(header)
    for name, morsel in cookie.items():
        morsel["max-age"] = int(morsel["max-age"])
        response.cookies[name] = morsel
