"""The switches of a channel: which formats it takes events in just now."""

from channels.models import Channel


def switch_event_tracking(channel: Channel, *, enabled: bool) -> None:
    """Log events in ActiveCampaign format from now on, or refuse them."""
    channel.event_tracking_enabled = enabled
    channel.save(update_fields=["event_tracking_enabled"])


def switch_source(channel: Channel, *, enabled: bool) -> None:
    """Record events in Commanders Act format from now on, or refuse them."""
    channel.source_enabled = enabled
    channel.save(update_fields=["source_enabled"])
