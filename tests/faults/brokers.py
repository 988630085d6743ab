"""A Redis of a test's own, which can stand still, or be gone."""

import signal
import socket
import subprocess
from contextlib import closing

from tests.config.hub import free_port, wait_until


class Redis:
    """A running Redis, ended when the block is left."""

    def __init__(self):
        self.port = free_port()
        self._process = None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def start(self):
        """Start it, with nothing in it, and wait until it listens."""
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        wait_until(self._listens)

    def stand_still(self):
        """Take connections, and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """Answer again, whether it stood still or is gone."""
        self._process.send_signal(signal.SIGCONT)
        if self._process.poll() is not None:
            self.start()

    def be_gone(self):
        """Take no connections."""
        self._process.kill()
        self._process.wait()

    def _listens(self):
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
