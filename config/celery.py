"""The Celery application: its settings are the CELERY_* ones of config/settings.py."""

import os

from celery import Celery
from celery.contrib.django.task import DjangoTask
from django.db import transaction

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class DoorbellTask(DjangoTask):
    """A task whose message may get lost: what it is about is a row that a sweep finds anyway."""

    def delay_on_commit(self, *args, **kwargs):
        """Send the message after the commit; a broker that is away only delays the work."""
        transaction.on_commit(lambda: self.delay(*args, **kwargs), robust=True)


app = Celery("throughline", task_cls=DoorbellTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
