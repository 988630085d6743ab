"""The account that a channel is in the ActiveCampaign format: its event key and its switch."""

from channels.identifiers import make_event_key
from channels.models import Channel


def rotate_event_key(channel: Channel) -> None:
    """Give `channel` a new event key: events with the old one are refused from then on."""
    channel.event_key = make_event_key()
    channel.save(update_fields=["event_key"])


def switch_event_tracking(channel: Channel, *, on: bool) -> None:
    """Log events of this format from now on, or refuse them."""
    channel.event_tracking_enabled = on
    channel.save(update_fields=["event_tracking_enabled"])
