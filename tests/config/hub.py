"""Real hubs for tests: `manage.py serve` with data and a port of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from random import SystemRandom
from urllib.parse import quote

from django.conf import settings
from django.db import connection

ROOT = settings.BASE_DIR
UP = "Press Ctrl-C to stop."
# Below those that Linux gives to connections.
_PORTS = range(20_000, 32_000)


def clean_environment(home, **changes):
    """An environment for a hub on the data in `home` and on nothing else."""
    unwanted = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "HOST", "MAKEFLAGS"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "DATA_DIR": str(home), **changes}


def free_port():
    """A port at which no process listens, and which the system gives to no outgoing connection."""
    while True:
        port = SystemRandom().choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def manage(home, *arguments, **changes):
    """Run a management command to its end, on the data in `home`."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean_environment(home, **changes),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def processes_of(home):
    """The command lines of all processes that belong to the data in `home`, by process id."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            status = (process / "status").read_text()
            traces = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            folder = os.readlink(process / "cwd")
            name = (process / "comm").read_text().strip()
        except OSError:
            continue
        is_alive = not re.search(r"^State:\s+Z", status, re.MULTILINE)
        if is_alive and (os.fsencode(home) in traces or folder.startswith(str(home))):
            found[int(process.name)] = name
    return found


def wait_until(condition, seconds=60):
    """Wait until `condition()` is true, and return what it returned."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "that did not happen in time"
        time.sleep(0.05)
    return result


def url_of_database():
    """The database of this test, for another process."""
    given = connection.get_connection_params()
    user, password, host = (
        quote(str(given.get(name, "")), safe="") for name in ("user", "password", "host")
    )
    login = f"{user}:{password}" if password else user
    return f"postgres://{login}@{host}:{given.get('port', '')}/{given['dbname']}"


def postmaster_pid(home):
    return int((Path(home) / "postgres" / "postmaster.pid").read_text().split()[0])


class Hub:
    """A running hub, ended when the block is left."""

    def __init__(self, home, *arguments, command=None, **changes):
        self.home = home
        self.port = free_port()
        self._command = command or [sys.executable, "manage.py", "serve", *arguments]
        self._changes = changes
        self._log = Path(f"{home}.log")
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end()

    @contextmanager
    def launched(self):
        """A hub that is only starting, ended when the block is left."""
        self.launch()
        try:
            yield
        finally:
            self.end()

    def end(self):
        """Stop the hub if it still runs, and kill whatever it has left."""
        if self._process.poll() is None:
            self.stop()
        for pid in processes_of(self.home):
            os.kill(pid, signal.SIGKILL)

    @property
    def pid(self):
        return self._process.pid

    @property
    def output(self):
        return self._log.read_text()

    def start(self):
        """Start the hub and wait until it says that it is up."""
        self.launch()
        wait_until(lambda: UP in self.output or self._process.poll() is not None, seconds=600)
        assert self._process.poll() is None, self.output

    def launch(self):
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=clean_environment(self.home, PORT=str(self.port), **self._changes),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self, number=signal.SIGTERM):
        """Send a signal to the process that was started, and wait for its end."""
        self._process.send_signal(number)
        return self.wait()

    def interrupt_terminal(self):
        """What Ctrl-C does: a signal to all processes of the terminal."""
        os.killpg(self.pid, signal.SIGINT)
        return self.wait()

    def kill(self):
        self._process.kill()
        return self.wait()

    def wait(self):
        return self._process.wait(timeout=180)

    def get(self, path):
        """The status and the body of a page."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def is_ready(self):
        try:
            return self.get("/health/ready")[0] == 200
        except OSError:
            return False

    def shell(self, code):
        """What `code` prints in a shell beside the hub."""
        done = manage(self.home, "shell", "--verbosity", "0", "--command", code)
        assert done.returncode == 0, done.stderr
        assert "couldn't stop thread" not in done.stderr  # it would take long to end
        return done.stdout.strip()

    def children(self):
        """The command lines of web, scheduler and worker, by process id."""
        found = {pid: _command_line(pid) for pid in processes_of(self.home)}
        return {
            pid: line
            for pid, line in found.items()
            if re.search(r"config\.web|celery", line) and _parent(pid) == self.pid
        }

    def has_children(self):
        """Whether any process but the database's still runs."""
        return any(name != "postgres" for name in processes_of(self.home).values())


class Web(Hub):
    """The web part of a hub on its own, in one process."""

    def __init__(self, home, **changes):
        super().__init__(home, command=[sys.executable, "-m", "config.web"], **changes)

    def start(self):
        """Start it and wait until it answers."""
        self.launch()
        wait_until(lambda: self._is_live() or self._process.poll() is not None, seconds=600)
        assert self._process.poll() is None, self.output

    def _is_live(self):
        try:
            return self.get("/health/live")[0] == 200
        except OSError:
            return False


def ready_state(hub):
    return json.loads(hub.get("/health/ready")[1])


def _parent(pid):
    try:
        return int(re.search(r"PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""
