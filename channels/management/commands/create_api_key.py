"""manage.py create_api_key: a new key for a channel, for people and scripts."""

from channels.keys import create_api_key
from channels.management.channel_command import ChannelCommand
from web.doors import access_types, default_access


class Command(ChannelCommand):
    help = "Create an API key for a channel; print the key and nothing else."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--access",
            choices=[access.value for access in access_types()],
            default=default_access(),
            help="what the key opens (default: %(default)s)",
        )
        parser.add_argument(
            "--name",
            default="Created on the command line",
            help="who uses the key, as the admin shows it (default: %(default)s)",
        )

    def handle(self, *, channel: str, access: str, name: str, **options) -> None:
        _, text = create_api_key(self.get_channel(channel), name=name, access=access)
        self.stdout.write(text)
