"""Where a request came from."""

import ipaddress

from django.conf import settings

_OWN_NETWORKS = [
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
]


def client_address(forwarded_for: str, peer: str) -> str:
    """The address of a client, behind as many proxies as PROXY_COUNT says; `peer` is connected.

    Every proxy adds the address that it was called from to X-Forwarded-For. What stands further to
    the left was written by the client, and could be anything.
    """
    forwarded = forwarded_for.split(",")
    if 0 < settings.PROXY_COUNT <= len(forwarded):
        return forwarded[-settings.PROXY_COUNT].strip()
    return peer


def network_of(address: str) -> str:
    """What limits count as one client: an address; of IPv6 the network, which a client has whole.

    An IPv4 address in the form of IPv6 is that address.
    """
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv6Address) and read.ipv4_mapped is None:
        return str(ipaddress.ip_network((read, 64), strict=False))
    return str(getattr(read, "ipv4_mapped", None) or read)


def kept_address(address: str) -> str:
    """What the hub keeps of an address: the network, /24 or /48; "" of what is no address.

    A private address names no person on the internet, and tells operators which machine it was.
    """
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    read = getattr(read, "ipv4_mapped", None) or read
    if any(read in network for network in _OWN_NETWORKS):
        return str(read)
    return str(ipaddress.ip_network((read, 24 if read.version == 4 else 48), strict=False))
