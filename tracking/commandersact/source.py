"""The source that a channel is in the Commanders Act format: its source key and its switch."""

from channels.identifiers import make_source_key
from channels.models import Channel


def rotate_source_key(channel: Channel) -> None:
    """Give `channel` a new source key: events with the old one are refused from then on."""
    channel.source_key = make_source_key()
    channel.save(update_fields=["source_key"])


def switch_source(channel: Channel, *, on: bool) -> None:
    """Record events of this format from now on, or refuse them."""
    channel.source_enabled = on
    channel.save(update_fields=["source_enabled"])
