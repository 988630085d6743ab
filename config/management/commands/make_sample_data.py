"""manage.py make_sample_data: as many contacts and activities as a hub has that has grown."""

import sys
from argparse import ArgumentTypeError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from config.demo.loading import DemoFailed
from config.demo.sample import CannotMakeSample, make_sample


class Command(BaseCommand):
    help = (
        "Load the demo, and add made-up contacts and activities over the last year, millions if "
        "you like, to see how the hub does then. They are the same ones every time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--contacts", type=_number, default=100_000, metavar="N")
        parser.add_argument("--activities", type=_number, default=1_000_000, metavar="M")

    def handle(self, *, contacts: int, activities: int, **options) -> None:
        if settings.PRODUCTION:
            raise CommandError("Sample data is not made in production: nobody could tell it apart.")
        if settings.READ_ONLY:
            raise CommandError("The hub is read-only.")
        # Nothing is drawn if nobody is watching.
        with (
            _bar("contacts", contacts) as contacts_bar,
            _bar("activities", activities) as activities_bar,
        ):
            bars = {"contacts": contacts_bar, "activities": activities_bar}
            try:
                make_sample(contacts, activities, lambda what, count: bars[what].update(count))
            except (CannotMakeSample, DemoFailed) as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"Made {contacts:,} contacts and {activities:,} activities.")


def _bar(name: str, total: int) -> "tqdm[None]":
    return tqdm(total=total, desc=f"{name:>10}", unit_scale=True, disable=not sys.stderr.isatty())


def _number(text: str) -> int:
    """A number as people write it: 1000000, 1_000_000 or 1,000,000."""
    try:
        number = int(text.replace(",", ""))
    except ValueError:
        number = -1
    if number < 0:
        raise ArgumentTypeError(f"“{text}” is not a number of rows.")
    return number
