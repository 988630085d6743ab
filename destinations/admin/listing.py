"""The columns of the list of destinations, and what they need of the database."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from adminsite.columns import Column, Moment, Short
from adminsite.counting import COUNTED, CountOf, say_count
from adminsite.formatting import badge, moment
from destinations.admin.phrases import phrase_of
from destinations.models import Delivery, Destination, Queue

# A message that has waited longer is late.
LATE = timedelta(minutes=1)

_PAUSED = {
    Destination.PausedBy.USER: ("Paused", "warning"),
    Destination.PausedBy.GONE: ("Paused: it answered 410", "bad"),
    Destination.PausedBy.FAILURES: ("Paused: five days of failures", "bad"),
}


def with_figures(
    destinations: QuerySet[Destination], now: datetime | None = None
) -> QuerySet[Destination]:
    """`destinations` with how much waits, how much of it is late, and since when the oldest does.

    Each figure ends its count at COUNTED + 1.
    """
    waiting = Delivery.objects.filter(
        destination=OuterRef("pk"), status=Delivery.Status.WAITING
    ).order_by()
    late = waiting.filter(created_at__lt=(now or timezone.now()) - LATE)
    return destinations.select_related("consent", "queue").annotate(
        waiting=CountOf(waiting.values("pk")[: COUNTED + 1]),
        late=CountOf(late.values("pk")[: COUNTED + 1]),
        # In the order of an index, read backwards.
        waits_since=Subquery(
            waiting.order_by("status", "created_at", "id").values("created_at")[:1]
        ),
    )


def queue_of(destination: Destination) -> Queue | None:
    """Its queue, which it gets as soon as it is saved by the hub's own functions."""
    return getattr(destination, "queue", None)


def state(destination: Destination) -> SafeString:
    """Whether anything goes out; if not, why."""
    queue = queue_of(destination)
    if not destination.enabled:
        return badge("Off")
    if destination.paused_at:
        return badge(*_PAUSED[Destination.PausedBy(destination.paused_by)])
    if destination.dry:
        return badge("Dry mode", "info")
    if queue is not None and queue.failing_since:
        return badge("Failing", "bad")
    return badge("Delivering", "good")


def failing_since(destination: Destination) -> datetime | None:
    """When the first of the failures in a row was."""
    queue = queue_of(destination)
    return queue.failing_since if queue else None


def last_delivered(destination: Destination) -> datetime | None:
    """When the destination last took something."""
    queue = queue_of(destination)
    return queue.last_delivered_at if queue else None


def state_since(destination: Destination) -> SafeString:
    """The state, and since when it is one that users should look at."""
    since = destination.paused_at if destination.paused_at else failing_since(destination)
    if not destination.enabled or since is None:
        return state(destination)
    text = '<div>{}<div class="text-subtle text-xs">since {}</div></div>'
    return format_html(text, state(destination), moment(since))


def asked(destination: Destination) -> SafeString | str:
    """The consent without which nothing about a contact goes out."""
    return str(destination.consent) if destination.consent else badge("Nobody is asked", "warning")


def ago(since: datetime) -> str:
    """For how long something has lasted, in one unit, such as “3 hours”."""
    now = timezone.now()
    return "less than a minute" if now - since < LATE else timesince(since, now, depth=1)


def waits(destination: Any) -> SafeString | str:
    """How much waits, and for how long the oldest of it does."""
    if not destination.waiting:
        return ""
    count = say_count(destination.waiting, COUNTED)
    text = f"{count}, the oldest for {ago(destination.waits_since)}"
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def going_out(destination: Destination) -> str:
    """What goes out."""
    return phrase_of(destination) or "Only what automations send"


def kind(destination: Destination) -> str:
    """What kind of system it is."""
    return destination.get_type_display()


NAME = Short("name", "Destination", ordering="name")
COLUMNS = (
    NAME,
    Column(kind),
    Column(state_since, "State"),
    Short(going_out, "What goes out"),
    Column(asked, "Asks for"),
    Column(waits, "Waits", empty="Nothing"),
    Moment(last_delivered, "Last delivered"),
)
