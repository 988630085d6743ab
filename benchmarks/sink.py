"""python -m benchmarks.sink PORT: a mail server that takes every email and keeps none.

It costs as little as possible, so that what is measured is the hub.
"""

import asyncio
import sys

_END = b"\r\n.\r\n"
_GREETING = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 10000000\r\n250 8BITMIME\r\n"


class _Sink(asyncio.Protocol):
    def __init__(self) -> None:
        self._read = b""
        self._is_in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._read += data
        while True:
            line, end, rest = self._read.partition(_END if self._is_in_message else b"\r\n")
            if not end:
                return
            self._read = rest
            self._answer(line.upper())

    def _answer(self, line: bytes) -> None:
        if self._is_in_message:
            self._is_in_message = False
            self._transport.write(b"250 taken\r\n")
        elif line.startswith(b"DATA"):
            self._is_in_message = True
            self._transport.write(b"354 go on\r\n")
        elif line.startswith(b"EHLO"):
            self._transport.write(_GREETING)
        elif line.startswith(b"QUIT"):
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250 yes\r\n")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
