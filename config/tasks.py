"""A sign of life: what the scheduler sends and a worker carries out."""

from datetime import datetime

from celery import shared_task
from django.db.models.functions import Now

from config.models import Heartbeat


@shared_task(name="config.beat_heart", expires=30)
def beat_heart() -> None:
    """Write down that scheduler, broker and worker have just worked together."""
    # By the clock of the database, which all machines share.
    Heartbeat.objects.update_or_create(pk=1, defaults={"beaten_at": Now()})


def last_heartbeat() -> datetime | None:
    """When that was the last time, by the clock of the database; None if never."""
    return Heartbeat.objects.values_list("beaten_at", flat=True).first()
