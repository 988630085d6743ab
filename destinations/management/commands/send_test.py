"""manage.py send_test CODE_NAME: whether a destination takes a message, and what it answers."""

import json
import sys

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from adminsite.audit import note
from destinations.models import Destination
from destinations.testing import send_test


class Command(BaseCommand):
    help = (
        "Send an example to a destination, and print what it answers. The exit code is 1 if it "
        "did not take it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code_name", metavar="CODE_NAME", help="of the destination")

    def handle(self, *, code_name: str, **options) -> None:
        destination = Destination.objects.filter(code_name__fold=code_name).first()
        if destination is None:
            raise CommandError(f"There is no destination “{code_name}”.")
        try:
            tested = send_test(destination)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        note("Sent a test.", model=destination, name=destination.name)
        answer = {
            "delivered": tested.is_delivered,
            "status": tested.delivery.answer_status,
            "seconds": round(tested.seconds, 3),
            "answer": tested.delivery.answer,
            "error": tested.delivery.last_error,
        }
        self.stdout.write(json.dumps(answer, ensure_ascii=False))
        if not tested.is_delivered:
            sys.exit(1)
