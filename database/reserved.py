"""A process that has to do something first keeps its database for the thread that does it."""

import threading

from django.db import OperationalError

_thread: threading.Thread | None = None
_why = ""


class Reserved(OperationalError):
    """As long as that goes on, the database is away for everybody else."""


def reserve(thread: threading.Thread, why: str) -> None:
    """Let no other thread, and no event loop, connect to the database, until `open_to_all`."""
    global _thread, _why
    _thread, _why = thread, why


def open_to_all() -> None:
    """Let everybody in the process connect to the database."""
    global _thread
    _thread = None


def check() -> None:
    """Do nothing if the caller may connect to the database.

    :raises Reserved: if not, with the reason that was given
    """
    if _thread is not None and _thread is not threading.current_thread():
        raise Reserved(_why)
