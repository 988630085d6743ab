"""manage.py import_activities: rows of a file become activities of contacts."""

from django.core.management.base import CommandParser

from channels.models import Channel
from exchange.importing.acting import CannotImport
from exchange.importing.commanding import ImportCommand
from exchange.models import Import


class Command(ImportCommand):
    help = (
        "Import activities from a file, by a mapping of its columns. Prints as JSON how many rows "
        "were recorded and rejected, and where the rejects are."
    )
    kind = Import.Kind.ACTIVITIES

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--channel",
            default="",
            metavar="CODE_NAME",
            help="the channel that they are recorded in; needed if there are several",
        )

    def find_channel(self, code_name: str) -> Channel:
        """The channel of this code name, or the only one that there is.

        :raises CannotImport: if there is no such channel, or more than one
        """
        channels = Channel.objects.all()
        if code_name:
            channels = channels.filter(code_name__iexact=code_name)
        found = list(channels[:2])
        if len(found) != 1:
            known = ", ".join(
                Channel.objects.order_by("code_name").values_list("code_name", flat=True)[:10]
            )
            raise CannotImport(f"Say by --channel in which channel they are recorded: {known}.")
        return found[0]
