"""The hub that is measured: `manage.py serve --demo`, as `make run` starts it, on its own data."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from config.embedded.postgres import DATABASE, EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent

_TETHERED = ROOT / "config" / "embedded" / "tethered.py"
_UP = "Press Ctrl-C to stop."
_SECONDS_TO_START = 120
_SECONDS_TO_STOP = 60
_SECONDS_FOR_COMMAND = 300
# A setting of this shell must not change what is measured, so nothing else of it is passed on.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_RUNTIME_DIR")


class BenchmarkFailed(Exception):
    """Something did not work that has to work before anything can be measured."""


class Hub:
    """A hub on the data in `home`, which this process starts and stops."""

    def __init__(self, home: Path):
        self.home = home
        self.port = free_port()
        self._log = home.with_name(f"{home.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that supervises the others."""
        assert self._process is not None
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The end of what it and its workers have printed."""
        return self._log.read_text()[-2000:] if self._log.exists() else ""

    @property
    def environment(self) -> dict[str, str]:
        """What every process on this hub's data gets."""
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {**kept, "DATA_DIR": str(self.home), "PORT": str(self.port)}

    def start(self) -> float:
        """Start it, and return the seconds until it answered its first request."""
        started_at = time.perf_counter()
        self._process = self.launch([sys.executable, "manage.py", "serve", "--demo"], "wb")
        self._wait_until(self._is_live)
        seconds = time.perf_counter() - started_at
        self._wait_until(lambda: _UP in self._log.read_text())
        return seconds

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def launch(self, command: list[str], mode: str = "ab") -> subprocess.Popen[bytes]:
        """Start a process on the data of this hub; it ends when this one does."""
        with self._log.open(mode) as log:
            return subprocess.Popen(  # noqa: S603 -- commands of our own, no shell
                [sys.executable, "-ES", str(_TETHERED), str(os.getpid()), *command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for this process, which then stops the hub in its turn.
                start_new_session=True,
            )

    def manage(self, *arguments: str, seconds: float = _SECONDS_FOR_COMMAND) -> str:
        """What a management command prints within so many seconds.

        :raises BenchmarkFailed: if it fails
        """
        done = subprocess.run(  # noqa: S603 -- commands of our own, no shell
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode != 0:
            raise BenchmarkFailed(f"manage.py {arguments[0]} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def stage(
        self, call: str, module: str = "staging", seconds: float = _SECONDS_FOR_COMMAND
    ) -> str:
        """What a function of a module that runs inside of Django prints, beside the database."""
        code = f"from benchmarks import {module}; {module}.{call}"
        return self.manage("shell", "--verbosity", "0", "--command", code, seconds=seconds)

    def get(self, path: str, host: str) -> http.client.HTTPResponse:
        """The answer to a request for `path`, read to its end by the caller."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        return connection.getresponse()

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """A connection to its database, which runs for at least as long."""
        postgres = EmbeddedPostgres(self.home)
        postgres.acquire()
        try:
            parameters = postgres.connection_parameters()
            with psycopg.connect(**parameters, dbname=DATABASE, autocommit=True) as connection:
                yield connection
        finally:
            postgres.release()

    def _is_live(self) -> bool:
        try:
            with self.get("/health/live", "127.0.0.1") as answer:
                return answer.status == 200
        except (OSError, http.client.HTTPException):
            return False

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        assert self._process is not None
        give_up_at = time.monotonic() + _SECONDS_TO_START
        while not condition():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise BenchmarkFailed("The hub did not start.")
            time.sleep(0.02)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force if it takes too long."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
