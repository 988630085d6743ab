"""A sign of life: what the scheduler sends and a worker carries out."""

import time

from celery import shared_task
from django.core.cache import cache

HEARTBEAT_KEY = "config.heartbeat"
# Kept longer than it counts, so that readiness can tell a worker that stopped from one that
# never started.
_KEPT_SECONDS = 3600


@shared_task(name="config.beat_heart", expires=30)
def beat_heart() -> None:
    """Write down that scheduler, broker and worker have just worked together."""
    cache.set(HEARTBEAT_KEY, time.time(), timeout=_KEPT_SECONDS)
