"""Channels and their API keys in the admin."""

from channels.admin import navigation  # noqa: F401 -- adds to the sidebar
from channels.admin.channel import ChannelAdmin
from channels.admin.key import ApiKeyAdmin

__all__ = ["ApiKeyAdmin", "ChannelAdmin"]
