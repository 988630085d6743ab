"""The addresses of destinations as users type them: what is accepted as one."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from yarl import URL

from destinations.networks import obstacle_at

LONGEST = 2_000
# A name of DNS as it goes over the wire; underscores are in use, although not in host names.
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
# By such a last part browsers take a host for an IPv4 address, and so do many libraries: 127.1,
# 0x7f.1, 2130706433, 017700000001.
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)\.?")
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff\\]")
# What may stand in an address as it goes over the wire.
_WRITABLE = re.compile(r"(%[0-9A-Fa-f]{2}|[!#$&'()*+,./0-9:;=?@A-Z\[\]_a-z~-])*")
# Where something else than HTTP listens that could take a request for commands: the ports that
# browsers refuse ("bad ports" of the Fetch standard), and those of widespread stores.
_BAD_PORTS = frozenset(
    [
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
        *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601),
        *(636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000),
        *(6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
        *(3306, 5432, 6379, 11211),
    ]
)


class InvalidAddress(ValueError):
    """This cannot be the address of a destination; the text says why, and what to do."""


def check_url(url: str) -> None:
    """Refuse what cannot be the address of a destination, without asking a name server.

    Where a name leads to is looked at whenever something goes there.

    :raises InvalidAddress: if it is no address, or one that is not allowed
    """
    if reason := obstacle_to(read_url(url)):
        raise InvalidAddress(reason)


def obstacle_to(url: URL) -> str:
    """Why nothing may go to this address as it is written, in sentences; "" if it may."""
    host = host_of(url)
    if _is_local(host):
        # Which of the two it leads to is seen when it is looked up.
        return "" if _is_loopback_allowed() else obstacle_at("127.0.0.1")
    return obstacle_at(host) if is_literal(host) else ""


@lru_cache(maxsize=1024)
def read_url(text: str) -> URL:
    """The address of a destination, taken apart.

    :raises InvalidAddress: if it is none
    """
    if len(text) > LONGEST:
        raise InvalidAddress(f"An address has at most {LONGEST:,} characters.")
    if _UNSEEN.search(text):
        raise InvalidAddress("An address has no spaces, no backslashes and no unseen characters.")
    try:
        url = URL(text)
    except ValueError:
        raise InvalidAddress(
            "This is no address. It has to be like https://crm.example.com/hook."
        ) from None
    if url.scheme not in ("http", "https"):
        raise InvalidAddress("The address has to begin with https:// (or http://).")
    if not url.raw_host:
        raise InvalidAddress("The address names no host. Write it as https://crm.example.com/hook.")
    if "@" in url.raw_authority:
        raise InvalidAddress(
            "The address has a user or a password before an @. Write them into a header, such as "
            "Authorization."
        )
    _check_host(host_of(url), is_bracketed=text.partition("://")[2].startswith("["))
    if url.port in _BAD_PORTS:
        raise InvalidAddress(f"Port {url.port} is not for HTTP. Use another one.")
    return _as_written(url, text)


def host_of(url: URL) -> str:
    """The host as it is connected to: in ASCII and lower case, IPv6 without brackets."""
    return (url.raw_host or "").lower()


def is_literal(host: str) -> bool:
    """Whether a host is an address, and no name."""
    return ":" in host or bool(_ENDS_IN_A_NUMBER.fullmatch(host))


def _as_written(url: URL, text: str) -> URL:
    """The address with path and query as they are written, if they can go out so.

    Some addresses carry a signature of themselves, which would not hold if a needless %2F became a
    slash on the way.
    """
    if not _WRITABLE.fullmatch(text):
        return url
    written = URL(text, encoded=True)
    return URL.build(
        scheme=url.scheme,
        authority=url.raw_authority,
        path=written.raw_path,
        query_string=written.raw_query_string,
        encoded=True,
    )


def _check_host(host: str, *, is_bracketed: bool) -> None:
    if "%" in host:
        raise InvalidAddress("The host has a %. Write names as they are, and IPv6 without it.")
    if ":" in host or is_bracketed:
        if not _is_address(IPv6Address, host):
            raise InvalidAddress("The host is no IPv6 address.")
    elif is_literal(host):
        # Python takes no other spelling, and no leading zeros, either.
        if not _is_address(IPv4Address, host):
            raise InvalidAddress(
                "The host is a number in an unusual spelling. Write an IPv4 address as four "
                "decimal numbers, as in https://203.0.113.7/hook."
            )
    elif len(host) > 253 or not _NAME.fullmatch(host):
        raise InvalidAddress(
            "The host is no name. A name has letters, digits and hyphens, and dots between its "
            "parts."
        )


def _is_address(kind: type[IPv4Address] | type[IPv6Address], host: str) -> bool:
    try:
        kind(host)
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    name = host.removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def _is_loopback_allowed() -> bool:
    return not (obstacle_at("127.0.0.1") and obstacle_at("::1"))
