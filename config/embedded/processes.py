"""Starting, watching and ending the processes of `manage.py serve`."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_TETHERED = Path(__file__).with_name("tethered.py")
_TICK_SECONDS = 0.1
_RESTART_SECONDS = 1.0
# A process that ends sooner than this after its start has failed to start.
_SETTLED_SECONDS = 5.0
_FAILED_STARTS = 3
# Two signals closer together than this are one: a terminal and make may both pass on a Ctrl-C.
_SAME_SIGNAL_SECONDS = 1.0
_LINES_KEPT = 20


class Child:
    """A process of the hub: its output goes through `say`, a line at a time."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        environment: dict[str, str],
        folder: Path,
        say: Callable[[str], None],
        seconds_to_stop: float,
    ):
        self.name = name
        self.command = command
        self.environment = environment
        self.folder = folder
        self.seconds_to_stop = seconds_to_stop
        self.last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self.failed_starts = 0
        self.restart_at = 0.0
        self._say = say
        self._started_at = 0.0
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start the process, in a session of its own so that Ctrl-C in the terminal misses it."""
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 -- commands of our own, no shell
            [sys.executable, "-ES", str(_TETHERED), str(os.getpid()), *self.command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._relay, args=[self._process], daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def note_death(self) -> str:
        """What to say about a process that has just ended without being told to."""
        assert self._process is not None
        self._drain()
        is_settled = time.monotonic() - self._started_at > _SETTLED_SECONDS
        self.failed_starts = 0 if is_settled else self.failed_starts + 1
        self.restart_at = time.monotonic() + _RESTART_SECONDS
        return f"The {self.name} ended unexpectedly ({_describe(self._process.returncode)})."

    def stop(self, is_urgent: Callable[[], bool]) -> None:
        """End the process and all that it started: in order, or by force if that takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        deadline = time.monotonic() + self.seconds_to_stop
        while self.is_running and time.monotonic() < deadline and not is_urgent():
            time.sleep(_TICK_SECONDS / 2)
        self._drain()

    def _drain(self) -> None:
        """End what is left of the process and its own children, and read its last words."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._reader is not None:
            self._reader.join(timeout=2)

    def _relay(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.last_lines.append(line.rstrip())
                self._say(f"{self.name}: {line.rstrip()}")


class Stopped(BaseException):
    """Somebody asked the hub to end while it was still starting."""


class StopRequests:
    """Counts the wishes to end: signals, and an interrupted or vanished `make`."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.count = 0
        self._last_at = 0.0
        self._interrupts_startup = True
        self._make = MakeWatch()

    def listen(self) -> None:
        """From now on, signals raise `Stopped` until `startup_done`, and are counted after it."""
        for number in self.SIGNALS:
            signal.signal(number, self._receive)

    def startup_done(self) -> None:
        self._interrupts_startup = False

    def poll(self) -> bool:
        """Whether the hub is to end."""
        if not self.count and self._make.has_been_interrupted():
            self._receive()
        return self.count > 0

    @property
    def is_urgent(self) -> bool:
        return self.count > 1

    def _receive(self, *_: object) -> None:
        is_the_same = time.monotonic() - self._last_at < _SAME_SIGNAL_SECONDS
        if self.count and is_the_same:
            return
        self.count += 1
        self._last_at = time.monotonic()
        if self._interrupts_startup:
            self._interrupts_startup = False
            raise Stopped


class MakeWatch:
    """Sees that the `make` which started this process was interrupted.

    GNU make that gets a SIGINT of its own, not from the terminal, tells its children nothing and
    waits for them. But its handler first gives the signal back to the system, which /proc shows.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._is_make = _catches_interrupts(self._parent) and _name(self._parent) in _MAKES

    def has_been_interrupted(self) -> bool:
        """Whether make waits for this process to end, or is gone itself."""
        if not self._is_make:
            return False
        return os.getppid() != self._parent or not _catches_interrupts(self._parent)


class Supervisor:
    """Keeps children running until the hub is to end."""

    def __init__(
        self,
        children: list[Child],
        *,
        requests: StopRequests,
        say: Callable[[str], None],
        look_after_others: Callable[[], None],
    ):
        self.children = children
        self._requests = requests
        self._say = say
        self._look_after_others = look_after_others

    def start(self) -> None:
        for child in self.children:
            child.start()

    def watch(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Restart what dies, until the hub is to end or `until` says so.

        False if a child cannot be kept running.
        """
        while not self._requests.poll() and not until():
            for child in self.children:
                if not child.is_running and not self._care_for(child):
                    return False
            self._look_after_others()
            time.sleep(_TICK_SECONDS)
        return True

    def stop(self) -> None:
        """End the children one after the other, in their order."""
        for child in self.children:
            child.stop(lambda: self._requests.is_urgent)

    def _care_for(self, child: Child) -> bool:
        if child.restart_at == 0.0:
            self._say(child.note_death())
            if child.failed_starts >= _FAILED_STARTS:
                lines = "\n".join(child.last_lines)
                self._say(f"The {child.name} does not start. Its last output:\n{lines}")
                return False
            self._say(f"Starting the {child.name} again.")
        elif time.monotonic() >= child.restart_at:
            child.restart_at = 0.0
            child.start()
        return True


_MAKES = ("make", "gmake")


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _catches_interrupts(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1)


def _describe(returncode: int) -> str:
    if returncode >= 0:
        return f"exit status {returncode}"
    with suppress(ValueError):
        return signal.Signals(-returncode).name
    return f"signal {-returncode}"
