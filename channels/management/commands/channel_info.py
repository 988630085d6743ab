"""manage.py channel_info: what applications must know to report to a channel, as JSON."""

import json

from channels.management.channel_command import ChannelCommand


class Command(ChannelCommand):
    help = "Print, as JSON, the identifiers by which applications name a channel."

    def handle(self, *, channel: str, **options) -> None:
        self.stdout.write(json.dumps({"guid": str(self.get_channel(channel).guid)}))
