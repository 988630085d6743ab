"""A web process that says what reached it, and connections to it."""

import json
import re
import socket
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPResponse
from pathlib import Path

from tests.config.hub import Web

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Echo(Web):
    """A web process that says what reached it, with other limits if they are given."""

    def __init__(self, home, **limits):
        super().__init__(home, LIMITS=json.dumps(limits))
        self._command = [sys.executable, "-m", "tests.config.echo"]

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return closing(client)

    @contextmanager
    def connected(self, number):
        """So many connections at once."""
        with ExitStack() as stack:
            yield [stack.enter_context(self.connect()) for _ in range(number)]

    def ask(self, *pieces):
        """The answer to a request that is sent in pieces."""
        with self.connect() as client:
            for piece in pieces:
                client.sendall(piece)
            return Answer(client)

    def seconds_to_answer(self):
        started_at = time.monotonic()
        assert self.ask(GET).status == 200
        return time.monotonic() - started_at

    def forget_peak(self):
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    @property
    def peak(self):
        """The most memory that the process has had, in megabytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    @property
    def files(self):
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


class Answer:
    """One answer, read from a connection."""

    def __init__(self, client, method=None):
        with closing(HTTPResponse(client, method=method)) as response:
            response.begin()
            self.status, self.headers = response.status, dict(response.getheaders())
            self.body = response.read()

    @property
    def said(self):
        return json.loads(self.body)
