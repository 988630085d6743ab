"""What becomes of a destination when the hub itself makes a mistake at it."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from django.db import Error, transaction
from django.utils import timezone

from database.outages import is_away
from destinations.models import Queue
from destinations.noting import Tried, note
from jobs.working import describe, pause_after

_log = logging.getLogger(__name__)


def leave_alone(
    destination_id: int, until: datetime, tried: Sequence[Tried], error: Exception
) -> None:
    """Leave a destination alone for a while after an error of the hub, and keep the error.

    :param until: until when its queue was the worker's
    :param tried: what came of deliveries and is not noted: it is, as far as the database takes it
    """
    if is_away(error):
        _log.error("Deliveries end: the database is away.", exc_info=error)
        return
    _log.error("Deliveries to destination %s end.", destination_id, exc_info=error)
    with suppress(Error):
        for one in tried:
            _note_alone(one)
        held = Queue.objects.filter(pk=destination_id, served_until=until)
        if (queue := held.first()) is None:
            return
        rests_until = timezone.now() + pause_after(queue.attempts + 1)
        held.update(
            attempts=Queue.one_attempt_more(),
            last_error=describe(error),
            has_work=True,
            due_at=rests_until,
            rests_until=rests_until,
            served_until=None,
        )


def _note_alone(tried: Tried) -> None:
    try:
        with transaction.atomic():
            note([tried], timezone.now())
    except Error as error:
        if is_away(error):
            raise
        _log.error("What came of delivery %s cannot be noted.", tried.delivery_id)
