"""manage.py send_again CODE_NAME --since TIME: for a destination that has lost what it got."""

import json
from argparse import ArgumentTypeError
from datetime import datetime

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from adminsite.audit import note
from destinations.control import send_again_since
from destinations.models import Destination


class Command(BaseCommand):
    help = (
        "Send everything once more that was made for a destination since a time, under the same "
        "ids, and print how many messages that are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code_name", metavar="CODE_NAME", help="of the destination")
        parser.add_argument(
            "--since",
            type=_moment,
            metavar="TIME",
            required=True,
            help="such as 2026-01-31T09:00:00+01:00",
        )

    def handle(self, *, code_name: str, since: datetime, **options) -> None:
        destination = Destination.objects.filter(code_name__fold=code_name).first()
        if destination is None:
            raise CommandError(f"There is no destination “{code_name}”.")
        count = send_again_since(destination, since)
        note(f"Sent {count:,} messages again.", model=destination, name=destination.name)
        self.stdout.write(json.dumps({"deliveries": count}))


def _moment(text: str) -> datetime:
    """A time as ISO 8601 has it; without an offset, of the hub's time zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(
            f"“{text}” is no time: write it as 2026-01-31T09:00:00+01:00."
        ) from None
