"""manage.py undo_import ID: takes back what an import has brought in, and says what stays."""

import json

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adminsite.searching import as_id
from channels.management.channel_command import demand_tables
from exchange.importing.acting import CannotImport, start_undo, work_through
from exchange.models import Import


class Command(BaseCommand):
    # As of imports, which do not need what the checks load.
    requires_system_checks = []
    help = (
        "Undo an import. Prints as JSON how many contacts were restored and removed, and how many "
        "were kept as they are, with the reasons."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "id", metavar="ID", help="the id of the import, as import_contacts says"
        )

    def handle(self, *, id: str, **options) -> None:
        demand_tables()
        key = as_id(id)
        import_ = Import.objects.filter(pk=key).first() if key is not None else None
        if import_ is None:
            raise CommandError(f"There is no import {id[:50]}.")
        try:
            start_undo(import_)
        except CannotImport as error:
            raise CommandError(str(error)) from None
        work_through(import_)
        if import_.status == Import.Status.PARTLY_UNDONE:
            raise CommandError(
                f"The undo was cancelled, and is not complete. Run undo_import {import_.pk} again."
            )
        self.stdout.write(json.dumps(import_.undone))
