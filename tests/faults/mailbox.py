"""A mail server of a test's own, a process that can be killed; it notes what it has taken.

As a program (`python -m tests.faults.mailbox PORT FILE`) it is that mail server.
"""

import asyncio
import email
import email.policy
import json
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from aiosmtpd.smtp import SMTP

from tests.config.hub import ROOT, free_port, wait_until


class Received(NamedTuple):
    """One message that the mail server has taken; it may have died before it could say so."""

    message_id: str
    recipient: str
    subject: str
    text: str


class Mailbox:
    """A running mail server, ended when the block is left."""

    def __init__(self, file: Path, *, milliseconds: int = 0):
        self.port = free_port()
        self._file, self._milliseconds = file, milliseconds
        self._process = None

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        """Start it, and wait until it listens. What it had taken before is still there."""
        arguments = [str(self.port), str(self._file), str(self._milliseconds)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mailbox", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )
        wait_until(self._listens)

    def kill(self):
        """End it in the middle of whatever it does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def received(self):
        """All messages that it has taken, in order."""
        if not self._file.exists():
            return []
        # Killed while it wrote, it leaves half a line: it had not taken that message.
        *lines, _ = self._file.read_text().split("\n")
        return [Received(*json.loads(line)) for line in lines if line.endswith("]")]

    def _listens(self):
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class _Handler:
    def __init__(self, file, milliseconds):
        self._file, self._milliseconds = file, milliseconds

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        line = [message["Message-ID"], envelope.rcpt_tos[0], message["Subject"], text]
        await asyncio.sleep(self._milliseconds / 1000)
        with self._file.open("a") as file:
            # After half a line of a process before.
            file.write(("" if _ends_whole(self._file) else "\n") + json.dumps(line) + "\n")
        return "250 Taken"


def _ends_whole(file):
    return not file.stat().st_size or file.read_bytes()[-1:] == b"\n"


def _serve(port, file, milliseconds):
    async def run():
        handler = _Handler(Path(file), int(milliseconds))
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(handler, enable_SMTPUTF8=True), "127.0.0.1", int(port)
        )
        async with server:
            await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    _serve(*sys.argv[1:])
