"""What users do with a destination and its deliveries; and the hub, if a destination fails."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from adminsite.counting import COUNTED, count_up_to
from database.lookups import Among
from destinations.models import Delivery, Destination, Queue
from destinations.queues import ensure_queues, note_work

Status = Delivery.Status
# So many are locked at once; workers that send meanwhile wait for them no longer than that takes.
_PORTION = 5_000


@transaction.atomic
def pause(
    destination: Destination, *, by: Destination.PausedBy = Destination.PausedBy.USER
) -> bool:
    """Have nothing tried any more; what would go out waits. False if it was paused already.

    A request that is on its way is not called back.
    """
    now = timezone.now()
    running = Destination.objects.filter(pk=destination.pk, paused_at=None)
    is_new = bool(running.update(paused_at=now, paused_by=by))
    if is_new:
        destination.paused_at, destination.paused_by = now, by
    return is_new


def pause_by_hub(destination: Destination, by: Destination.PausedBy) -> None:
    """Pause it because of what it answers, and have users told."""
    if pause(destination, by=by):
        Queue.objects.filter(pk=destination.pk).update(untold=True)


@transaction.atomic
def resume(destination: Destination) -> int:
    """Have everything that waits tried at once, and return how much that is, up to COUNTED + 1.

    How it has been doing is forgotten, as if it had never failed.
    """
    ensure_queues([destination.pk])
    now = timezone.now()
    waiting = Delivery.objects.filter(destination=destination, status=Status.WAITING)
    count = count_up_to(waiting, COUNTED)
    # Locked in the order in which workers do it. What is due by now needs nothing.
    later = waiting.filter(due_at__gt=now).select_for_update(no_key=True).order_by("pk")
    keys = list(later.values_list("pk", flat=True))
    Delivery.objects.filter(Among("pk", keys)).update(due_at=now)
    Queue.objects.filter(pk=destination.pk).update(
        failures=0, failing_since=None, rests_until=None, untold=False
    )
    Destination.objects.filter(pk=destination.pk).update(paused_at=None, paused_by="")
    destination.paused_at, destination.paused_by = None, ""
    note_work([destination.pk])
    return count


def send_again(delivery_ids: Collection[int]) -> int:
    """Have these deliveries tried once more, with the ids that they have, and return how many are.

    Those without a payload are left out: nothing of them may go out, or nothing is left. So are
    those whose destination is deleted.
    """
    with transaction.atomic():
        ready = Delivery.objects.filter(
            Among("pk", delivery_ids), payload__isnull=False, destination__deleted_at__isnull=True
        )
        locked = ready.select_for_update(no_key=True, of=("self",)).order_by("pk")
        keys = list(locked.values_list("pk", "destination_id"))
        count = Delivery.objects.filter(Among("pk", [key for key, _ in keys])).update(
            status=Status.WAITING, reason="", attempts=0, due_at=timezone.now(), delivered_at=None
        )
        note_work({destination_id for _, destination_id in keys})
    return count


def send_again_since(destination: Destination, time: datetime) -> int:
    """Have everything tried once more that was made for a destination from a time on.

    Also what has arrived: the destination may have lost it. It goes in portions, each of which is
    a transaction.
    """
    made = made_since(destination, time).filter(created_at__lte=timezone.now()).order_by("pk")
    count, last = 0, 0
    while keys := list(made.filter(pk__gt=last).values_list("pk", flat=True)[:_PORTION]):
        count += send_again(keys)
        last = keys[-1]
    return count


def made_since(destination: Destination, time: datetime) -> QuerySet[Delivery]:
    """What is sent again since a time: no tests, and nothing that was never meant to go out.

    What was skipped, such as in dry mode, goes out only if a user chooses it.
    """
    made = Delivery.objects.filter(
        destination=destination, created_at__gte=time, payload__isnull=False
    )
    return made.exclude(kind=Delivery.Kind.TEST).exclude(status=Status.SKIPPED)
