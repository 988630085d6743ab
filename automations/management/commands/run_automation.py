"""manage.py run_automation CODE_NAME GUID: lets a contact into an automation."""

import json
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adminsite.audit import note
from automations.entering import NotEntered, start_or_say
from automations.finding import automation_with_code_name
from automations.models import Run
from contacts.resolving import find_contact


class Command(BaseCommand):
    help = "Let a contact into an automation, and print the id of the run that begins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code_name", metavar="CODE_NAME", help="of the automation")
        parser.add_argument("guid", metavar="GUID", help="of the contact")

    def handle(self, *, code_name: str, guid: str, **options) -> None:
        automation = automation_with_code_name(code_name)
        if automation is None:
            raise CommandError(f"There is no automation “{code_name}”.")
        try:
            contact = find_contact(UUID(guid))
        except ValueError:
            raise CommandError(f"“{guid}” is no GUID.") from None
        if contact is None:
            raise CommandError(f"There is no contact with the GUID {guid}.")
        try:
            run = start_or_say(automation, contact, cause=Run.Cause.CODE)
        except NotEntered as error:
            raise CommandError(f"The contact does not enter: {error}") from None
        note("Started it for a contact.", model=automation, name=automation.name)
        self.stdout.write(json.dumps({"run": run}))
