"""The Celery application: its settings are the CELERY_* ones of config/settings.py."""

import logging
import os
import sys

from celery import Celery
from celery.contrib.django.task import DjangoTask
from celery.signals import worker_init
from django.db import connection, transaction

from config.doorbell import open_doorbell

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_log = logging.getLogger(__name__)


class DoorbellTask(DjangoTask):
    """A task whose message may get lost: what it is about is a row that a sweep finds anyway."""

    def delay_on_commit(self, *args, **kwargs):
        """Ring after the commit, without waiting for the broker; also in the event loop."""
        if connection.in_atomic_block:
            transaction.on_commit(lambda: bell.ring(self, args, kwargs), robust=True)
        else:
            bell.ring(self, args, kwargs)


app = Celery("throughline", task_cls=DoorbellTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
bell = open_doorbell(app)


@worker_init.connect
def erase_again_first(**kwargs: object) -> None:
    """Before a worker takes up anything, erase again whom a backup has brought back.

    Else it would write to these people, and tell destinations of them.
    """
    from config.web_start import erase_again_before_working  # noqa: PLC0415 -- it needs the models

    try:
        erase_again_before_working()
    except Exception:
        # Any kind: Celery logs what a signal handler raises, and starts the worker all the same.
        _log.exception("Whom a backup has brought back cannot be erased again.")
        sys.exit("The worker does not start.")
