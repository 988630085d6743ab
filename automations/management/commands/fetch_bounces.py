"""Reads the mailbox to which emails come back, as a worker does every few minutes."""

import json

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from automations.emails.bounce_mailbox import CannotRead, fetch_bounces


class Command(BaseCommand):
    help = "Read what is new in the mailbox of BOUNCE_MAILBOX_URL now."

    def handle(self, *args, **options) -> None:
        if not settings.BOUNCE_MAILBOX_URL:
            raise CommandError("Set BOUNCE_MAILBOX_URL first.")
        try:
            received = fetch_bounces()
        except CannotRead as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(vars(received)))
