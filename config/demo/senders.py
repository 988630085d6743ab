"""Who sent the story: what web processes would have counted of its requests."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from activities.models import SenderCount
from channels.models import ApiKey, Channel


@dataclass
class _Sent:
    recorded: int
    refused: int
    last_at: datetime


class Senders:
    """Adds up what each sender sends, and keeps it for as long as the hub does."""

    def __init__(self, now: datetime):
        self._kept_since = now - timedelta(days=settings.REJECTED_KEPT_DAYS)
        self._sent: dict[tuple[datetime, Channel, str], _Sent] = {}

    def add(
        self, channel: Channel, door: str, at: datetime, *, recorded: int, refused: int
    ) -> None:
        """Count one request."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        sent = self._sent.setdefault((hour, channel, door), _Sent(0, 0, at))
        sent.recorded += recorded
        sent.refused += refused
        sent.last_at = max(sent.last_at, at)

    def save(self) -> None:
        """Let “Senders” of the inspector have the counts."""
        SenderCount.objects.bulk_create(self._rows())

    def _rows(self) -> Iterator[SenderCount]:
        keys: dict[int, int] = dict(
            ApiKey.objects.order_by("-pk").values_list("channel", "pk")  # the first one counts
        )
        for (hour, channel, door), sent in self._sent.items():
            if hour >= self._kept_since:
                yield SenderCount(
                    hour=hour,
                    channel=channel,
                    door=door,
                    key_id=keys.get(channel.pk),
                    recorded=sent.recorded,
                    refused=sent.refused,
                    last_at=sent.last_at,
                )
