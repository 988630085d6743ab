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
# It grows to this while a hub that was up already cannot start a process again.
_LONGEST_RESTART_SECONDS = 30.0
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
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start the process, in a session of its own so that Ctrl-C in the terminal misses it."""
        self._started_at = time.monotonic()
        self.last_lines.clear()
        reading_end, writing_end = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- commands of our own, no shell
                [sys.executable, "-ES", str(_TETHERED), str(os.getpid()), *self.command],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=writing_end,
                stderr=writing_end,
                # With a reading end of its own, the process can still write after this one was
                # killed; otherwise its last words would be an error in the middle of its ending.
                pass_fds=[reading_end],
                start_new_session=True,
            )
        finally:
            os.close(writing_end)
        self._reader = threading.Thread(target=self._relay, args=[reading_end], daemon=True)
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
        pause = _RESTART_SECONDS * 2 ** max(0, self.failed_starts - _FAILED_STARTS)
        self.restart_at = time.monotonic() + min(pause, _LONGEST_RESTART_SECONDS)
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

    def _relay(self, reading_end: int) -> None:
        with open(reading_end, errors="replace") as output:
            for line in filter(None, map(str.rstrip, output)):
                self.last_lines.append(line)
                self._say(f"{self.name}: {line}")


class Stopped(BaseException):
    """Raised when the operator ends the hub while it is still starting."""


class StopRequests:
    """Counts the wishes to end: signals, and a `make` that was interrupted or is gone."""

    def __init__(self) -> None:
        self.count = 0
        self._last_at = 0.0
        self._is_starting = True

    @property
    def is_urgent(self) -> bool:
        """Whether the operator asked again, and so does not want to wait."""
        return self.count > 1

    def listen(self) -> None:
        """Let signals raise `Stopped` until `startup_done`; later they are only counted."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            # It is ignored under nohup.
            numbers.append(signal.SIGHUP)
        for number in numbers:
            signal.signal(number, self._receive)
        if _name(os.getppid()) in _MAKES:
            threading.Thread(target=self._watch_make, args=[os.getppid()], daemon=True).start()

    def startup_done(self) -> None:
        """Count signals from now on, and raise nothing."""
        self._is_starting = False

    def _receive(self, *_: object) -> None:
        now = time.monotonic()
        is_the_same = self.count > 0 and now - self._last_at < _SAME_SIGNAL_SECONDS
        if is_the_same:
            return
        self.count += 1
        self._last_at = now
        if self._is_starting:
            self._is_starting = False
            raise Stopped

    def _watch_make(self, make: int) -> None:
        """Ask to end when `make`, which started this process, is to end.

        GNU make that gets a SIGINT or SIGHUP of its own, not with its whole process group, tells
        its children nothing and waits for them. But first it gives the signal back to the system,
        which /proc shows.
        """
        while os.getppid() == make and not _has_been_interrupted(make):
            time.sleep(_TICK_SECONDS)
        if not self.count:
            os.kill(os.getpid(), signal.SIGTERM)


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
        self.is_up = False

    def start(self) -> None:
        for child in self.children:
            child.start()

    def watch(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Restart what dies, until the hub is to end or `until` says so.

        False if a child cannot be started at all. Once the hub is up, it is tried again and again.
        """
        while not self._requests.count and not until():
            for child in self.children:
                if not child.is_running and not self._care_for(child):
                    return False
            self._look_after_others()
            time.sleep(_TICK_SECONDS)
        return True

    def stop(self) -> None:
        """End the children one after the other, in their order.

        Those that are only starting have nothing to finish, and may not hear the request yet.
        """
        for child in self.children:
            child.stop(lambda: self._requests.is_urgent or not self.is_up)

    def _care_for(self, child: Child) -> bool:
        if child.restart_at == 0.0:
            self._say(child.note_death())
            # What keeps a process of a hub that was up from starting may pass, such as a full disk.
            if child.failed_starts >= _FAILED_STARTS and not self.is_up:
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


def _has_been_interrupted(make: int) -> bool:
    try:
        status = Path(f"/proc/{make}/status").read_text()
    except OSError:
        return False
    # A make that minds its work catches both signals, or in the background ignores them.
    minded = 0
    for line in status.splitlines():
        if line.startswith(("SigCgt:", "SigIgn:")):
            minded |= int(line.split()[1], 16)
    return not all(minded >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGHUP))


def _describe(returncode: int) -> str:
    if returncode >= 0:
        return f"exit status {returncode}"
    with suppress(ValueError):
        return signal.Signals(-returncode).name
    return f"signal {-returncode}"
