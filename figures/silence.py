"""Senders that have gone silent: of whom there was something, and is nothing any more."""

from datetime import datetime, timedelta

from django.utils import timezone

from figures.counts import last_counted
from figures.models import Count

SILENT_AFTER = timedelta(days=1)
_HEARD_WITHIN = timedelta(days=30)


def silent_since(kind: Count.Kind, now: datetime | None = None) -> dict[int, datetime]:
    """Channels or tracked sites that sent something within 30 days and nothing for a day.

    By their ids, with the time of the last activity; one query.
    """
    now = now or timezone.now()
    heard = last_counted(kind, now - _HEARD_WITHIN)
    return {int(key): at for key, at in heard.items() if at < now - SILENT_AFTER}
