"""Which addresses destinations may be at: public ones, and those that the operator allows."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

_WAY_OUT = (
    "Destinations may be at public addresses only, and in networks that the operator allows by "
    "DESTINATION_ALLOWED_NETWORKS."
)
_PRIVATE = "a private address"
_DOCUMENTATION = "an address for examples"
_SPECIAL_PURPOSE = "an address for special purposes"
_INSIDE_IPV6 = "an IPv4 address inside an IPv6 address"
# The first that has an address says what it is. Of what the registries of IANA keep for special
# purposes, some is "globally reachable" for Python, such as multicast, and what tunnels lead to.
_NOT_PUBLIC = [
    (ip_network(network), what)
    for network, what in [
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", _PRIVATE),
        ("100.64.0.0/10", "an address inside a provider's network (CGNAT)"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "an address of a cloud's metadata"),
        ("169.254.0.0/16", "a link-local address, where clouds have their metadata"),
        ("172.16.0.0/12", _PRIVATE),
        ("192.0.0.0/24", _SPECIAL_PURPOSE),
        ("192.0.2.0/24", _DOCUMENTATION),
        ("192.88.99.0/24", _SPECIAL_PURPOSE),
        ("192.168.0.0/16", _PRIVATE),
        ("198.18.0.0/15", _SPECIAL_PURPOSE),
        ("198.51.100.0/24", _DOCUMENTATION),
        ("203.0.113.0/24", _DOCUMENTATION),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", _SPECIAL_PURPOSE),
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("::/96", _INSIDE_IPV6),
        ("::ffff:0:0/96", _INSIDE_IPV6),
        ("::ffff:0:0:0/96", _INSIDE_IPV6),
        ("64:ff9b:1::/48", _INSIDE_IPV6),
        ("2001::/32", _INSIDE_IPV6),
        ("2001::/23", _SPECIAL_PURPOSE),
        ("2001:db8::/32", _DOCUMENTATION),
        ("2002::/16", _INSIDE_IPV6),
        ("3fff::/20", _DOCUMENTATION),
        ("fc00::/7", _PRIVATE),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", _PRIVATE),
        ("ff00::/8", "a multicast address"),
    ]
]
# Of IPv6, only this is given to networks that everybody can reach.
_GLOBAL_UNICAST = ip_network("2000::/3")
# By these a machine without IPv4 reaches public IPv4 addresses; the last 32 bits are one.
_NAT64 = ip_network("64:ff9b::/96")


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks of DESTINATION_ALLOWED_NETWORKS.

    :raises ImproperlyConfigured: if one is no network
    """
    return tuple(_read_network(text.strip()) for text in texts if text.strip())


def _read_network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ImproperlyConfigured(
            "DESTINATION_ALLOWED_NETWORKS must be networks with commas between them, such as "
            f"10.1.0.0/16,fd00:1::/48, and {text!r} is none."
        ) from None
    raise ImproperlyConfigured(
        f"DESTINATION_ALLOWED_NETWORKS has {text!r}, which is an address within a network. Write "
        f"{meant} for the network, or {text.partition('/')[0]} for that address alone."
    )


def obstacle_at(address: str) -> str:
    """Why no destination may be at this address, in sentences; "" if one may.

    :param address: of IPv4 or IPv6, in its usual spelling
    """
    what = _judge(address, tuple(settings.DESTINATION_ALLOWED_NETWORKS))
    return f"{address} is {what}. {_WAY_OUT}" if what else ""


@lru_cache(maxsize=4096)
def _judge(text: str, allowed: tuple[str, ...]) -> str:
    """What is wrong with an address; "" if nothing is."""
    try:
        address = ip_address(text)
    except ValueError:
        return "no address of IPv4 or IPv6"
    if getattr(address, "scope_id", None):
        return "an address of one interface"
    if any(address in network for network in read_networks(allowed)):
        return ""
    if address in _NAT64:
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
        return f"the way to {inside}, {_what_is(inside)}" if _what_is(inside) else ""
    return _what_is(address)


def _what_is(address: Address) -> str:
    """What an address is; "" for a public one."""
    for network, what in _NOT_PUBLIC:
        if address in network:
            return what
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return "no public address"
    return "" if address.is_global else "no public address"
