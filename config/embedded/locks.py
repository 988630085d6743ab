"""Locks between processes, which the kernel gives back even when a process is killed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """An flock on a file that this process opened itself."""

    def __init__(self, path: Path):
        self.path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        return self._descriptor is not None

    def share(self) -> None:
        """Hold the lock together with others, waiting for a process that holds it alone."""
        self._take(fcntl.LOCK_SH)

    def try_alone(self) -> bool:
        """Hold the lock alone if nobody else holds it, and tell whether that worked."""
        try:
            self._take(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock alone inside the block, waiting for everybody else."""
        self._take(fcntl.LOCK_EX)
        try:
            yield
        finally:
            self.unlock()

    def unlock(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            # Closing would do, unless a child that was forked just now still has the same lock.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self.forget()

    def forget(self) -> None:
        """Close the file without unlocking: a forked child must not unlock its parent's lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, operation: int) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, operation)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
