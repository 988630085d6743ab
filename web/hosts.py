"""Hosts as browsers write them; and which the hub answers on: its own, and those of rooms above."""

import re
import unicodedata
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import NamedTuple

import idna
from django.conf import settings
from django.http.request import split_domain_port, validate_host

# A name may have 253 characters, and a port five.
_LONGEST = 259
# What browsers accept as a host, once its letters are ASCII.
_HOST = re.compile(r"(?!.{254})(?:(?!-)[a-z0-9_-]{1,63}(?<!-)\.)*(?!-)[a-z0-9-]{1,63}(?<!-)")
_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>[^/?#@:\\]*)(?::(?P<port>[0-9]{1,5}))?"
)
_DEFAULT_PORTS = {("http", 80), ("https", 443)}
_PORTS_NOT_SENT = {port for _, port in _DEFAULT_PORTS}
_DOT_AT_THE_END = re.compile(r"(?<=[^.])\.(?=(?::[0-9]*)?$)")


class WebAddress(NamedTuple):
    """A website as browsers write it; without `scheme` or `port` these are "" and None."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}" if self.scheme else self.authority

    @property
    def authority(self) -> str:
        """The host with its port, as in `Host`."""
        return self.host if self.port is None else f"{self.host}:{self.port}"


def read_web_address(text: str) -> WebAddress:
    """The host in `text` as browsers write it, with a scheme and a port if it has them.

    A port that the scheme stands for anyway is left out.

    :raises ValueError: if it has no host that browsers accept, or anything else
    """
    found = _ADDRESS.fullmatch(unicodedata.normalize("NFKC", text.strip()).lower())
    if found is None:
        raise ValueError("this is no address of a website")
    scheme, port = found["scheme"] or "", int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port < 65_536:
        raise ValueError("there is no such port")
    return WebAddress(
        scheme, as_browsers_write(found["host"]), None if (scheme, port) in _DEFAULT_PORTS else port
    )


def read_domain(text: str) -> str:
    """The host of the website `text` as browsers write it in `Host`, with a port if they send it.

    Without a scheme, a port for which one stands is left out: browsers do not send it. So is the
    dot of DNS at the end.

    :raises ValueError: if it has no host that browsers accept, or more than that
    """
    scheme, host, port = read_web_address(_DOT_AT_THE_END.sub("", text.strip().rstrip("/")))
    if scheme not in ("", "http", "https"):
        raise ValueError("this is no website")
    if not scheme and port in _PORTS_NOT_SENT:
        port = None
    return WebAddress("", host, port).authority


def as_browsers_write(host: str) -> str:
    """`host` as browsers write it: by the WHATWG's URL, that is UTS 46 without transitions.

    :raises ValueError: if browsers do not accept it
    """
    written = ".".join(map(_write_label, _map(host).split(".")))
    if not _HOST.fullmatch(written):
        raise ValueError("this is no name of a host")
    return written


def _map(host: str) -> str:
    return idna.uts46_remap(host, std3_rules=False, transitional=False)


def _write_label(label: str) -> str:
    if not label.isascii():
        return f"xn--{label.encode('punycode').decode('ascii')}"
    if label.startswith("xn--"):
        # What stands for no other letters is no host to a browser.
        meant = label[4:].encode("ascii").decode("punycode")
        if meant.isascii() or _write_label(_map(meant)) != label:
            raise ValueError("this is no punycode")
    return label


def is_hub_host(host: str) -> bool:
    """Whether this `Host`, with or without a port, is one of the hub itself."""
    # What is longer is no name, and is not to be kept.
    return len(host) <= _LONGEST and _is_one_of(host, tuple(settings.HUB_HOSTS))


def also_allow(is_allowed: Callable[[str], Awaitable[bool]]) -> None:
    """Answer on the hosts, in lower case and with their port, that `is_allowed` knows."""
    _more.append(is_allowed)


async def is_known_host(host: str) -> bool:
    """Whether the hub answers requests for this host, in lower case."""
    return is_hub_host(host) or any([await is_allowed(host) for is_allowed in _more])


_more: list[Callable[[str], Awaitable[bool]]] = []


@lru_cache(maxsize=1_000)
def _is_one_of(host: str, allowed: tuple[str, ...]) -> bool:
    name, _ = split_domain_port(host)
    return bool(name) and validate_host(name, allowed)
