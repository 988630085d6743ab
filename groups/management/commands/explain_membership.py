"""manage.py explain_membership: why a contact is in a group or not, as JSON."""

import json
from argparse import ArgumentTypeError
from datetime import datetime
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from contacts.resolving import find_contact
from groups.explaining import CannotExplain, explain
from groups.models import ContactGroup
from groups.past import contact_then


class Command(BaseCommand):
    help = (
        "Print, as JSON, whether a contact is in a contact group, and what each condition says of "
        "them: now, or at a moment since the rule was last changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code_name", metavar="CODE_NAME", help="of the contact group")
        parser.add_argument("guid", metavar="GUID", help="of the contact")
        parser.add_argument(
            "--at", type=_moment, metavar="TIME", help="such as 2026-01-31T09:00:00+01:00"
        )

    def handle(self, *, code_name: str, guid: str, at: datetime | None, **options) -> None:
        group = ContactGroup.objects.filter(code_name__fold=code_name).first()
        if group is None:
            raise CommandError(f"There is no contact group “{code_name}”.")
        try:
            named = UUID(guid)
        except ValueError:
            raise CommandError(f"“{guid}” is no GUID.") from None
        contact = contact_then(named, at) if at else find_contact(named)
        if contact is None:
            raise CommandError(f"There is no contact with the GUID {named}.")
        try:
            explanation = explain(group, contact, at)
        except CannotExplain as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(explanation, ensure_ascii=False))


def _moment(text: str) -> datetime:
    """A time as ISO 8601 has it; without an offset, of the hub's time zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(
            f"“{text}” is no time: write it as 2026-01-31T09:00:00+01:00."
        ) from None
