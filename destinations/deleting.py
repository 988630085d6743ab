"""Deletes destinations: it is gone for everybody at once, and its deliveries go in portions."""

from collections.abc import Collection

from django.db import transaction
from django.db.models.functions import Now

from database.lookups import Among
from destinations.models import Delivery, Destination, Queue
from jobs.tasks import ring

JOB = "deletions of destinations"
# So many are deleted in one transaction.
_PORTION = 5_000


@transaction.atomic
def delete_destination(destination: Destination) -> None:
    """Have nothing go out to it any more, and workers delete its deliveries and then itself.

    Another one may have its code name from now on. A request that is on its way is not called back.
    """
    # The worker that serves the queue has lost it, and finds no destination.
    Queue.objects.filter(pk=destination.pk).update(
        has_work=False,
        served_until=None,
        rests_until=None,
        untold=False,
        due_at=Now(),
        attempts=0,
        last_error="",
    )
    Destination.objects.filter(pk=destination.pk).update(enabled=False, deleted_at=Now())
    ring(JOB)


def delete_portions(destination_ids: Collection[int]) -> None:
    """Delete the next deliveries of destinations that are deleted; the last with the destination.

    In the queue stands that there is more to do.
    """
    for key in sorted(destination_ids):
        _delete_portion(key)


@transaction.atomic
def _delete_portion(destination_id: int) -> None:
    deliveries = Delivery.objects.filter(destination=destination_id)
    # In the order of an index.
    latest = deliveries.order_by("-created_at", "-id").values_list("pk", flat=True)
    keys = list(latest[:_PORTION])
    if len(keys) < _PORTION:
        # With what a reader adds that has found the destination before. If it adds that later, the
        # key refuses one of the two transactions, and that one is tried again.
        Destination._base_manager.filter(pk=destination_id, deleted_at__isnull=False).delete()
        return
    portion = Delivery.objects.filter(Among("pk", keys))
    # In the order in which workers lock them that note what came of the last requests.
    list(portion.order_by("pk").select_for_update().values_list("pk"))
    portion.delete()
    Queue.objects.filter(pk=destination_id).update(due_at=Now(), attempts=0, last_error="")
