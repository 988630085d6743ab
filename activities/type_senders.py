"""Who sends the activities of a type, by the newest of them."""

from dataclasses import dataclass
from datetime import datetime

from activities.models import Activity, ActivityType
from channels.models import Channel

# So the cost does not grow with the log.
LOOKED_AT = 1_000


@dataclass(frozen=True)
class Sender:
    """A channel, or a tracked site of one, with its part of the newest activities of a type."""

    channel: Channel
    site: str
    count: int
    last_at: datetime


def senders_of(activity_type: ActivityType) -> list[Sender]:
    """Who has sent the newest activities of this type, most first, in two queries."""
    newest = (
        Activity.objects.filter(type=activity_type)
        .order_by("-occurred_at", "-id")
        .values_list("channel_id", "tracked_site__name", "occurred_at")[:LOOKED_AT]
    )
    counts: dict[tuple[int, str], tuple[int, datetime]] = {}
    for channel_id, site, at in newest:
        count, last_at = counts.get((channel_id, site or ""), (0, at))
        counts[channel_id, site or ""] = count + 1, last_at
    channels = Channel.objects.in_bulk({channel_id for channel_id, _ in counts})
    senders = [
        Sender(channels[channel_id], site, count, last_at)
        for (channel_id, site), (count, last_at) in counts.items()
        if channel_id in channels
    ]
    return sorted(senders, key=lambda sender: (-sender.count, sender.channel.name, sender.site))
