"""New keys for a channel: who sends events with the old one is refused from then on."""

from channels.identifiers import make_event_key, make_source_key
from channels.models import Channel


def rotate_event_key(channel: Channel) -> None:
    """Give `channel` a new event key of the ActiveCampaign format."""
    channel.event_key = make_event_key()
    channel.save(update_fields=["event_key"])


def rotate_source_key(channel: Channel) -> None:
    """Give `channel` a new source key of the Commanders Act format."""
    channel.source_key = make_source_key()
    channel.save(update_fields=["source_key"])
