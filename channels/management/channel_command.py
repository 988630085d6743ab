"""What commands about one channel have in common."""

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from channels.models import Channel


def demand_tables() -> None:
    """Make sure that the database is one of a hub.

    :raises CommandError: if it has no tables yet
    """
    if Channel._meta.db_table not in connection.introspection.table_names():
        raise CommandError(
            "This database has no tables yet. Is DATA_DIR (or DATABASE_URL) the one of the hub "
            "that runs? If none has run yet: make run"
        )


class ChannelCommand(BaseCommand):
    """A command whose first argument is the code name of a channel."""

    def add_arguments(self, parser):
        parser.add_argument("channel", metavar="CHANNEL", help="code name of the channel")

    def get_channel(self, code_name: str) -> Channel:
        """The channel with this code name, in any letter case.

        :raises CommandError: if there is none, naming those that there are
        """
        demand_tables()
        channel = Channel.objects.filter(code_name__fold=code_name).first()
        if channel is None:
            known = ", ".join(
                Channel.objects.order_by("code_name").values_list("code_name", flat=True)
            )
            raise CommandError(
                f"There is no channel “{code_name}”. "
                + (f"Channels: {known}." if known else "Create one in the admin first.")
            )
        return channel
