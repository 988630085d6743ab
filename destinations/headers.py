"""The headers that users give to the requests of a destination."""

import re
from collections.abc import Iterable, Mapping

# Their values are no secrets, and are in answers of whatever kind.
_OPEN = ("accept", "accept-language", "content-type", "user-agent")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
# Halves of characters cannot be sent, either.
_UNSEEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_LONGEST_VALUE = 4_000
# They say where a message ends and how it travels, or to which host it goes: with another one than
# was checked, a server in between could be made to take one request for two.
_OURS = frozenset(
    [
        *("connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "te"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "trailer", "upgrade"),
        *("transfer-encoding",),
    ]
)


class InvalidHeader(ValueError):
    """A request cannot have this header; the text says why, without its value."""


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that no request to a destination can have.

    :raises InvalidHeader: for the first of them
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise InvalidHeader(
                f"{name[:50]!r} is no name of a header. It has letters, digits and hyphens, as "
                "X-Api-Key does."
            )
        if name.lower() in _OURS:
            raise InvalidHeader(f"The header {name} is set by the hub. Leave it out.")
        if _UNSEEN.search(value):
            raise InvalidHeader(
                f"The value of the header {name} has line breaks or other unseen characters. "
                "Leave them out."
            )
        if len(value) > _LONGEST_VALUE:
            raise InvalidHeader(
                f"The value of the header {name} is longer than {_LONGEST_VALUE:,} characters."
            )


def secret_headers(names: Iterable[str]) -> list[str]:
    """Those of the headers of these names that may be credentials."""
    return [name for name in names if name.lower() not in _OPEN]
