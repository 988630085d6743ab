"""manage.py dump_config: the configuration of the hub as files."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels.management.channel_command import demand_tables
from exchange.dumping import dump
from exchange.problems import InvalidConfiguration, one_line


class Command(BaseCommand):
    help = (
        "Write a file of YAML for each channel, tracked site, consent, activity type and contact "
        "group, without secrets; load_config reads them. Prints as JSON how many."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the files go")

    def handle(self, *, folder: Path, **options) -> None:
        demand_tables()
        try:
            written, others = dump(folder)
        except InvalidConfiguration as error:
            raise CommandError(str(error)) from error
        if others:
            first = one_line(str(others[0].relative_to(folder)))
            more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
            self.stderr.write(
                f"{first}{more}: not of this dump, and left in {folder}. load_config reads all "
                "files of a folder: remove what you do not need."
            )
        self.stdout.write(json.dumps({"files": len(written)}))
