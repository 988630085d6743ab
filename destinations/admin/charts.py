"""Charts of a destination: what became of its messages by hour, and what is late and how late."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db.models import Count, Q
from django.db.models.functions import TruncHour
from django.utils import timezone

from destinations.models import Delivery, Destination

HOURS = 48
# The newest deliveries that a chart looks at; so its cost does not grow with the table.
LOOKED_AT = 50_000
_WIDTH, _HEIGHT = 600, 120
_Status = Delivery.Status
# From the bottom of a bar to its top.
_SERIES = (_Status.DELIVERED, _Status.WAITING, _Status.FAILED, _Status.SKIPPED)

_AGES = (
    (timedelta(minutes=1), "up to a minute"),
    (timedelta(minutes=5), "1 to 5 minutes"),
    (timedelta(minutes=30), "5 to 30 minutes"),
    (timedelta(hours=2), "30 minutes to 2 hours"),
    (timedelta(hours=12), "2 to 12 hours"),
    (timedelta(days=1), "12 to 24 hours"),
    (timedelta(days=3), "1 to 3 days"),
    (timedelta.max, "more than 3 days"),
)


@dataclass(frozen=True)
class Bar:
    """A part of a bar, in the units of an SVG in which zero is at the top."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class ByHour:
    """How many of the messages of each hour were delivered, wait, have failed, were skipped."""

    hours: Sequence[tuple[datetime, dict[str, int]]]
    is_cut: bool

    @property
    def most(self) -> int:
        return max(sum(counts.values()) for _, counts in self.hours)

    @property
    def rows(self) -> list[tuple[datetime, list[int]]]:
        """The numbers of hours in which there were messages, the latest first."""
        return [
            (hour, [counts.get(status, 0) for status in _SERIES])
            for hour, counts in reversed(self.hours)
            if counts
        ]

    @property
    def bars(self) -> list[Bar]:
        """The parts of all bars."""
        step = _WIDTH / len(self.hours)
        bars = []
        for place, (_, counts) in enumerate(self.hours):
            top = float(_HEIGHT)
            for status in _SERIES:
                height = counts.get(status, 0) * _HEIGHT / max(self.most, 1)
                top -= height
                if height:
                    bars.append(Bar(status, place * step + 1, top, step - 2, height))
        return bars

    @property
    def legend(self) -> list[tuple[str, str]]:
        return [(status.value, status.label) for status in _SERIES]


@dataclass(frozen=True)
class Late:
    """How many messages wait, by how long they have."""

    ages: Sequence[tuple[str, int]]
    is_cut: bool

    @property
    def most(self) -> int:
        return max(count for _, count in self.ages)


def by_hour(destination: Destination, now: datetime | None = None) -> ByHour | None:
    """What became of the messages of the last 48 hours; None if there were none."""
    end = (now or timezone.now()).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = end - timedelta(hours=HOURS - 1)
    of_this = Delivery.objects.filter(destination=destination, created_at__gte=first)
    newest = of_this.order_by("-created_at", "-id").values("pk")[: LOOKED_AT + 1]
    rows = (
        Delivery.objects.filter(pk__in=newest)
        .order_by()
        .values("status", hour=TruncHour("created_at", tzinfo=UTC))
        .annotate(count=Count("pk"))
    )
    counts: dict[datetime, dict[str, int]] = defaultdict(dict)
    for row in rows:
        counts[row["hour"]][row["status"]] = row["count"]
    if not counts:
        return None
    total = sum(sum(one.values()) for one in counts.values())
    hours = [first + timedelta(hours=number) for number in range(HOURS)]
    return ByHour([(hour, counts.get(hour, {})) for hour in hours], total > LOOKED_AT)


def late(destination: Destination, now: datetime | None = None) -> Late | None:
    """How long what waits has waited; None if nothing does."""
    now = now or timezone.now()
    waiting = Delivery.objects.filter(destination=destination, status=_Status.WAITING)
    oldest = waiting.order_by("created_at", "id").values("pk")[: LOOKED_AT + 1]
    since = [now, *(now - age for age, _ in _AGES[:-1]), datetime.min.replace(tzinfo=UTC)]
    counts = Delivery.objects.filter(pk__in=oldest).aggregate(
        **{
            f"age{number}": Count("pk", filter=_between(older, newer, is_first=not number))
            for number, (newer, older) in enumerate(pairwise(since))
        }
    )
    ages = [(label, counts[f"age{number}"]) for number, (_, label) in enumerate(_AGES)]
    total = sum(count for _, count in ages)
    return Late(ages, total > LOOKED_AT) if total else None


def _between(older: datetime, newer: datetime, *, is_first: bool) -> Q:
    # The clocks of two machines differ: what was made a moment ahead has not waited yet.
    until = Q() if is_first else Q(created_at__lt=newer)
    return Q(created_at__gte=older) & until
