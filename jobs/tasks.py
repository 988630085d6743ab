"""Wakes workers: a message says which job has something to do, and carries no work itself."""

import logging

from celery import shared_task
from celery.signals import worker_shutting_down

from jobs.declaring import DO, jobs
from jobs.working import stopping, work_off

_log = logging.getLogger(__name__)

# Then the message goes to the end of its queue, so that no job keeps the others from their turn.
_SECONDS_AT_A_TIME = 5.0


def ring(name: str) -> None:
    """Wake a worker for the job `name` after the commit, without waiting for the broker.

    The message may get lost: a sweep finds the row.
    """
    do.delay_on_commit(name)


@shared_task(name=DO)
def do(name: str) -> None:
    """Do what is due of the job `name`."""
    job = jobs.get(name)
    if job is None:
        _log.warning("There is no job “%s”: the message is of another version.", name)
        return
    if not work_off(job, seconds=_SECONDS_AT_A_TIME):
        ring(name)


@worker_shutting_down.connect
def _stop(**_) -> None:
    stopping.set()
