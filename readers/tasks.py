"""What workers do for readers."""

from celery import shared_task
from celery.signals import worker_init

from readers import reading

# A worker that is told to stop waits for what it does; so it never reads for long at a time.
_SECONDS = 1.0


@shared_task(name="readers.read", expires=5)
def read() -> None:
    """Let the readers read what was committed."""
    reading.follow(_SECONDS)


@worker_init.connect
def begin(**kwargs) -> None:
    """Begin epochs before the worker merges anything."""
    reading.begin()
