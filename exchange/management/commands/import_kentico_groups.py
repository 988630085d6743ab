"""manage.py import_kentico_groups: contact groups from a repository of Xperience by Kentico."""

import json
from dataclasses import asdict
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels.management.channel_command import demand_tables
from exchange.kentico.importing import import_groups
from exchange.problems import InvalidConfiguration


class Command(BaseCommand):
    help = (
        "Create contact groups from the om.contactgroup files of a Kentico repository. Prints as "
        "JSON which were created, which in part, and which were refused, with the reasons."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder",
            metavar="FOLDER",
            type=Path,
            help="a folder of such files, or of a whole repository",
        )

    def handle(self, *, folder: Path, **options) -> None:
        demand_tables()
        try:
            imported = import_groups(folder)
        except InvalidConfiguration as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(asdict(imported), ensure_ascii=False))
