"""python -m benchmarks.receiver QUICK DRIPPING SILENT: systems that get messages, at three ports.

The first takes every message at once, and costs as little as possible, so that what is measured is
the hub. The second answers a byte a second, and the third not at all.
"""

import asyncio
import sys
from typing import cast

import uvloop

_TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_LENGTH = b"content-length:"
_SECONDS_BETWEEN_BYTES = 1.0


class _Quick(asyncio.Protocol):
    def __init__(self) -> None:
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        while True:
            head, end, body = self._read.partition(b"\r\n\r\n")
            if not end or len(body) < (length := _length_of(head)):
                return
            self._read = body[length:]
            self.answer()

    def answer(self) -> None:
        self._transport.write(_TAKEN)


class _Dripping(_Quick):
    def answer(self) -> None:
        self._left = list(_TAKEN)
        self._drip()

    def _drip(self) -> None:
        if self._left and not self._transport.is_closing():
            self._transport.write(bytes([self._left.pop(0)]))
            asyncio.get_running_loop().call_later(_SECONDS_BETWEEN_BYTES, self._drip)


class _Silent(_Quick):
    def answer(self) -> None:
        """Never."""


def _length_of(head: bytes) -> int:
    _, _, rest = head.lower().partition(_LENGTH)
    return int(rest.partition(b"\r\n")[0] or 0)


async def _serve(ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    for protocol, port in zip((_Quick, _Dripping, _Silent), ports, strict=True):
        await loop.create_server(protocol, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve([int(port) for port in sys.argv[1:]]))
