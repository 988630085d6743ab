"""manage.py channel_info: what applications must know to report to a channel, as JSON."""

import json

from channels.management.channel_command import ChannelCommand


class Command(ChannelCommand):
    help = "Print, as JSON, the identifiers by which applications name a channel."

    def handle(self, *, channel: str, **options) -> None:
        found = self.get_channel(channel)
        identifiers = ("guid", "account_id", "event_key", "site_id", "source_key")
        self.stdout.write(json.dumps({name: str(getattr(found, name)) for name in identifiers}))
