"""Takes an email that came back from stdin, as mail servers hand it to a program."""

import json
import sys

from django.core.management.base import BaseCommand
from django.db import OperationalError

from automations.emails.receiving import LARGEST_REPORT, receive

# Mail servers hand it over again later (EX_TEMPFAIL of sysexits.h).
_AGAIN_LATER = 75


class Command(BaseCommand):
    help = (
        "Read one message to BOUNCE_ADDRESS from stdin. Have your mail server pipe them to this "
        "command. A message that reports nothing is counted as unknown, and is no error."
    )

    def handle(self, *args, **options) -> None:
        raw = sys.stdin.buffer.read(LARGEST_REPORT)
        try:
            received = receive(raw)
        except OperationalError:
            self.stderr.write("The database is away. Hand the message over again later.")
            sys.exit(_AGAIN_LATER)
        self.stdout.write(json.dumps(vars(received)))
