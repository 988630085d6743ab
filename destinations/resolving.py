"""From the name of a host to its addresses, each of which has been checked."""

import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

from destinations.networks import obstacle_at
from destinations.threads import in_own_thread


class NotAllowed(OSError):
    """No destination may be at this address; the text says why."""


class CheckedResolver(AbstractResolver):
    """Asks the system, and refuses a name if any of its addresses is not allowed.

    What is connected to are the addresses that it returns. A name that leads to allowed and other
    addresses is refused, since the caller may connect to any of them.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host.

        :raises NotAllowed: if one is not allowed
        :raises OSError: if there is none
        """
        found = await _look_up(host, port, family)
        for _, address in found:
            if reason := obstacle_at(address):
                raise NotAllowed(f"{host} leads to {address}. {reason}")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, address in found
        ]

    async def close(self) -> None:
        pass


def socket_to(info: Sequence) -> socket.socket:
    """A socket for a connection to this address of `getaddrinfo`, which is looked at once more.

    Every connection of a client passes here, whether its host was a name or an address.

    :raises NotAllowed: if the address is not allowed
    """
    family, kind, proto, _, address = info
    if reason := obstacle_at(address[0]):
        raise NotAllowed(reason)
    return socket.socket(family, kind, proto)


async def _look_up(
    host: str, port: int, family: socket.AddressFamily
) -> list[tuple[socket.AddressFamily, str]]:
    found = await in_own_thread(
        lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM), name="destination name"
    )
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    return [(kind, str(address[0])) for kind, _, _, _, address in found]
