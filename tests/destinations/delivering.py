"""Deliveries for tests of how they go out, and what workers do about them."""

import itertools
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from destinations.models import Delivery, Destination, Queue
from destinations.queues import find_work, lease_from_now, take
from destinations.saving import save_destination
from destinations.serving import Serving

_numbers = itertools.count(1)
_TIMES = {
    Delivery: ("occurred_at", "created_at", "due_at", "attempted_at", "delivered_at"),
    Queue: ("due_at", "failing_since", "last_delivered_at", "rests_until", "served_until"),
    Destination: ("created_at", "paused_at"),
}


def make_destination(url="http://127.0.0.1:9009/", **fields):
    """A webhook that is switched on, and asks nobody."""
    number = next(_numbers)
    destination = Destination(
        **{"name": f"CRM {number}", "code_name": f"crm-{number}", "url": url, "enabled": True}
        | fields
    )
    save_destination(destination)
    return destination


def make_deliveries(destination, count=1, **fields):
    """So many deliveries that wait, in their order."""
    now = timezone.now()
    return Delivery.objects.bulk_create(
        Delivery(
            **{
                "destination": destination,
                "kind": Delivery.Kind.ACTIVITY,
                "source": f"activity:{next(_numbers)}",
                "payload": {"number": number},
                "occurred_at": now,
                "created_at": now,
                "due_at": now,
                **fields,
            }
        )
        for number in range(count)
    )


def make_delivery(destination, **fields):
    """One that waits."""
    return make_deliveries(destination, **fields)[0]


def deliver():
    """Have everything that is due go out in this thread, one destination after the other."""
    find_work()
    for queue in Queue.objects.filter(has_work=True, due_at__lte=Now()).order_by("pk"):
        until = lease_from_now()
        if take([queue.pk], until):
            Serving(queue.pk, until).run()


def pass_time(**since):
    """Let so much time pass: whatever has been or is to come is nearer or longer ago."""
    for model, names in _TIMES.items():
        model.objects.update(**{name: F(name) - timedelta(**since) for name in names})


def deliver_for(hours):
    """Let so many hours pass, in which workers do what is due; what is between is skipped."""
    left = timedelta(hours=hours)
    while left > timedelta(0):
        deliver()
        step = min(_until_next(), left)
        pass_time(seconds=step.total_seconds())
        left -= step


def _until_next():
    """How long until something is due."""
    find_work()
    queue = Queue.objects.filter(has_work=True).order_by("due_at").first()
    if queue is None:
        return timedelta(days=1)
    return max(queue.due_at - timezone.now(), timedelta(milliseconds=1))


def id_of(delivery):
    """The `webhook-id` under which it goes out."""
    return f"msg_{delivery.message_id.hex}"


def ids_of(deliveries):
    return [id_of(one) for one in deliveries]


def statuses(destination):
    """The statuses of the deliveries of a destination, in the order in which they were made."""
    return list(destination.deliveries.order_by("pk").values_list("status", flat=True))
