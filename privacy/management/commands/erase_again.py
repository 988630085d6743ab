"""manage.py erase_again: erase who was erased before, and is back in the database from a backup."""

import json

from django.core.management.base import BaseCommand, CommandError, CommandParser

from privacy.erasing_again import erase_again
from privacy.erasure_file import FileFault


class Command(BaseCommand):
    help = (
        "Match contacts against the file of erasures and erase again whom a backup has brought "
        "back, as serve does at its start. Run it after a restore before anything else of the hub."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all",
            action="store_true",
            dest="all_lines",
            help="match all erasures, also those that the database says it has done: for a backup "
            "of which only some tables were restored",
        )

    def handle(self, *, all_lines: bool, **options) -> None:
        try:
            done = erase_again(self.stderr.write, all_lines=all_lines)
        except FileFault as error:
            raise CommandError(str(error)) from None
        answer = {
            "unknown": done.lines,
            "erased": done.contacts,
            "certificates": done.certificates,
        }
        self.stdout.write(json.dumps(answer))
