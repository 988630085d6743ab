"""The queues of destinations: who is at them, and when a worker has to look at them again.

Adding a delivery writes nothing here. A worker that is woken finds the queues whose deliveries are
due and that no worker is at. A worker that is done with a queue lets go of it, commits, and looks
once more: what was committed before that look it sees, and what is committed later wakes a worker
that finds the queue without one. So nothing is missed, and nobody waits for a lock.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from database.cursors import array_of
from destinations.models import Queue
from jobs.tasks import ring

JOB = "deliveries"

# So long a queue belongs to the worker that is at it, until the worker says that it still is.
LEASE = timedelta(seconds=30)

_MAKE = """
INSERT INTO destinations_queue (destination_id, has_work, failures, untold)
SELECT id, false, 0, false FROM destinations_destination AS destination
WHERE NOT EXISTS (SELECT FROM destinations_queue WHERE destination_id = destination.id)
ON CONFLICT DO NOTHING
"""
_FIND = """
UPDATE destinations_queue AS queue
SET has_work = true, due_at = greatest(statement_timestamp(), queue.rests_until)
FROM destinations_destination AS destination
WHERE destination.id = queue.destination_id
    AND destination.enabled AND destination.paused_at IS NULL
    AND (queue.served_until IS NULL OR queue.served_until <= statement_timestamp())
    AND NOT (
        queue.has_work AND queue.due_at <= greatest(statement_timestamp(), queue.rests_until)
    )
    AND EXISTS (
        SELECT FROM destinations_delivery AS delivery
        WHERE delivery.destination_id = queue.destination_id
            AND delivery.status = 'waiting' AND delivery.due_at <= statement_timestamp()
    )
"""
_TAKE = """
UPDATE destinations_queue SET served_until = %s, due_at = %s
WHERE destination_id = ANY(%s::bigint[])
    AND (served_until IS NULL OR served_until <= statement_timestamp())
RETURNING destination_id
"""
_LET_GO = """
UPDATE destinations_queue AS queue
SET served_until = NULL, has_work = next.due_at IS NOT NULL,
    due_at = greatest(statement_timestamp(), next.due_at, queue.rests_until),
    attempts = 0, last_error = ''
FROM (
    SELECT (
        SELECT min(delivery.due_at) FROM destinations_delivery AS delivery
        JOIN destinations_destination AS destination ON destination.id = delivery.destination_id
        WHERE delivery.destination_id = %s AND delivery.status = 'waiting'
            AND destination.enabled AND destination.paused_at IS NULL
    ) AS due_at
) AS next
WHERE queue.destination_id = %s AND queue.served_until = %s
RETURNING queue.has_work, queue.due_at
"""


def ensure_queues(destination_ids: Collection[int]) -> None:
    """See that these destinations have a queue, in the transaction of the caller."""
    Queue.objects.bulk_create(
        [Queue(destination_id=key) for key in destination_ids], ignore_conflicts=True
    )


def note_work(destination_ids: Collection[int]) -> None:
    """Have a worker look for deliveries of these destinations after the commit."""
    if destination_ids:
        ring(JOB)


def find_work() -> None:
    """Have the queues taken up that have deliveries that are due, and no worker. Two statements."""
    with connection.cursor() as cursor:
        cursor.execute(_MAKE)
        cursor.execute(_FIND)


def take(destination_ids: Collection[int], until: datetime) -> list[int]:
    """Be at these queues until then, without those that another worker is at."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [until, until, array_of(destination_ids)])
        return [key for (key,) in cursor.fetchall()]


def let_go(destination_id: int, until: datetime) -> datetime | None:
    """Be at this queue no longer, and return when it is due again; None if nothing waits.

    It commits by itself, then looks for what was added while this worker was still at the queue.

    :param until: until when the queue was the worker's: another one may have taken it since
    """
    with connection.cursor() as cursor:
        cursor.execute(_LET_GO, [destination_id, destination_id, until])
        row = cursor.fetchone()
        due_at = row[1] if row and row[0] else None
        cursor.execute(_FIND)
        if cursor.rowcount:
            ring(JOB)
    return due_at


def lease_from_now() -> datetime:
    """Until when a queue that is taken now belongs to its worker."""
    return timezone.now() + LEASE
