"""How many emails may leave now, over all workers: EMAILS_PER_SECOND and EMAILS_PER_DAY."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from automations.models import Pace


@dataclass(frozen=True)
class Leave:
    """How many emails may leave at once, and when there may be more if that is not all."""

    count: int
    more_at: datetime | None = None


def is_limited() -> bool:
    """Whether there is a limit of emails in a second, or a day."""
    return bool(settings.EMAILS_PER_SECOND or settings.EMAILS_PER_DAY)


def take_leave(wanted: int, *, is_transactional: bool) -> Leave:
    """Leave for at most so many emails; it counts as used when the transaction commits.

    Transactional ones count for the day as well, and leave also if the day is used up.
    """
    return _take_leave(wanted, is_transactional) if wanted and is_limited() else Leave(wanted)


@transaction.atomic
def _take_leave(wanted: int, is_transactional: bool) -> Leave:
    per_second, per_day = settings.EMAILS_PER_SECOND, settings.EMAILS_PER_DAY
    Pace.objects.bulk_create([Pace(pk=1, tokens=1)], ignore_conflicts=True)
    pace = Pace.objects.select_for_update(no_key=True).get(pk=1)
    now = timezone.now()
    count, more_at = wanted, None
    if per_second:
        seconds = max((now - pace.refilled_at).total_seconds(), 0.0)
        pace.tokens = min(pace.tokens + seconds * per_second, float(per_second))
        pace.refilled_at = now
        if count > int(pace.tokens):
            count = int(pace.tokens)
            more_at = now + timedelta(seconds=(count + 1 - pace.tokens) / per_second)
    if per_day:
        today = timezone.localdate(now, timezone.get_default_timezone())
        if pace.day != today:
            pace.day, pace.left_on_day = today, 0
        if not is_transactional and count > (left := max(per_day - pace.left_on_day, 0)):
            count, more_at = left, _tomorrow(now)
    pace.tokens -= count if per_second else 0
    pace.left_on_day += count
    pace.save()
    return Leave(count, more_at)


def _tomorrow(now: datetime) -> datetime:
    local = timezone.localtime(now, timezone.get_default_timezone())
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)
