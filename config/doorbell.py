"""Rings for workers: a thread sends messages to the broker, and no request waits for them."""

import atexit
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from queue import Full, Queue
from typing import Any

from celery import Celery, Task
from kombu import Connection

_log = logging.getLogger(__name__)

# No single step of talking to a broker takes longer.
BROKER_SECONDS = 1.0
# After a failure nothing is sent for so long.
_PAUSE_SECONDS = 2.0
# Messages that may wait; what does not fit is left to the sweeps.
_ROOM = 1_000
# A process that ends waits so long for its last messages.
_SECONDS_AT_THE_END = 1.0


class Doorbell:
    """Sends messages from a thread of its own.

    What a message is about is a row that a sweep finds anyway. So one that cannot be sent is
    dropped, and after it there is a pause, in which messages only wait.
    """

    def __init__(self, app: Celery, *, pause: float = _PAUSE_SECONDS):
        self._app, self._pause = app, pause
        self._waiting: Queue[tuple[Task, Sequence, Mapping]] = Queue(_ROOM)
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._is_broken = False

    def ring(self, task: Task, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Have a message for `task` sent, and return at once."""
        try:
            self._waiting.put_nowait((task, args, kwargs))
        except Full:
            return
        with self._mutex:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="doorbell", daemon=True)
                self._thread.start()

    def finish(self, seconds: float = _SECONDS_AT_THE_END) -> bool:
        """Wait until nothing waits any more, and tell whether that was so in time."""
        with self._waiting.all_tasks_done:
            return self._waiting.all_tasks_done.wait_for(
                lambda: not self._waiting.unfinished_tasks, seconds
            )

    def _work(self) -> None:
        while True:
            message = self._waiting.get()
            is_sent = self._send(*message)
            self._waiting.task_done()
            if not is_sent:
                time.sleep(self._pause)

    def _send(self, task: Task, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        try:
            if self._connection is None:
                self._connection = connect_to_broker(self._app)
            task.apply_async(args, kwargs, connection=self._connection, retry=False)
        except Exception as error:  # of any kind, for each transport of Celery raises its own
            # The thread that rings must go on, and the sweeps of the jobs find what a lost message
            # was about.
            self._hang_up()
            if not self._is_broken:
                reason = " ".join(str(error).split())
                _log.warning(
                    "The broker takes no messages (%s: %s); until it does, sweeps find the work.",
                    type(error).__name__,
                    reason,
                )
            self._is_broken = True
            return False
        self._is_broken = False
        return True

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.release()
            except Exception:
                # Any kind, since each transport has its own: it is thrown away as it is.
                _log.debug("A connection to the broker could not be closed", exc_info=True)


def connect_to_broker(app: Celery) -> Connection:
    """A connection that gives up soon; it is made when it is first used."""
    return app.connection_for_write(
        connect_timeout=BROKER_SECONDS,
        transport_options={
            "socket_connect_timeout": BROKER_SECONDS,
            "socket_timeout": BROKER_SECONDS,
            "max_retries": 0,
        },
    )


def open_doorbell(app: Celery) -> Doorbell:
    """A doorbell that sends its last messages when the process ends."""
    bell = Doorbell(app)
    atexit.register(bell.finish)
    return bell
