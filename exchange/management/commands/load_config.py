"""manage.py load_config: make the hub what configuration files say."""

import json
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels.management.channel_command import demand_tables
from exchange.loading import load
from exchange.problems import InvalidConfiguration


class Command(BaseCommand):
    help = (
        "Create and change what files and folders of JSON or YAML describe, all of it or nothing. "
        "Prints as JSON which objects were created, changed, or as they should be already."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", metavar="PATH", nargs="+", help="a file or a folder")
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would become of it; change nothing"
        )

    def handle(self, *, paths: list[str], dry_run: bool, **options) -> None:
        demand_tables()
        try:
            loaded = load(paths, dry_run=dry_run)
        except InvalidConfiguration as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(asdict(loaded), ensure_ascii=False))
