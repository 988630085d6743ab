"""manage.py erase_contact: forget a person at once, and print the certificate as JSON."""

import json
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from activities.erasing import erase_contact
from contacts.models import Contact, Erasure
from contacts.resolving import find_contact
from privacy.certificates import because, certificate_of_erasure
from privacy.erasure_file import CannotWrite

_LONGEST_REASON = 2_000


class Command(BaseCommand):
    help = (
        "Erase a contact, with everybody who was merged into it, at once, and print the number of "
        "the certificate, and how many rows were deleted of each kind, as JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("guid", metavar="GUID", help="of the contact")
        parser.add_argument(
            "--reason",
            required=True,
            metavar="TEXT",
            help="why, for the certificate; without personal data",
        )

    def handle(self, *, guid: str, reason: str, **options) -> None:
        reason = reason.strip()
        if not reason or "\0" in reason or len(reason) > _LONGEST_REASON:
            raise CommandError(
                f"Say why with --reason, in at most {_LONGEST_REASON:,} characters; it stands on "
                "the certificate."
            )
        try:
            contact = find_contact(UUID(guid))
        except ValueError:
            raise CommandError(f"“{guid}” is no GUID.") from None
        if contact is None:
            raise CommandError(f"There is no contact with the GUID {guid}.")
        try:
            with because(reason):
                erased = erase_contact(contact.pk, reason=Erasure.Reason.COMMAND)
        except Contact.DoesNotExist:
            raise CommandError(f"There is no contact with the GUID {guid} any more.") from None
        except CannotWrite as error:
            raise CommandError(str(error)) from None
        certificate = certificate_of_erasure(erased.erasure_id)
        assert certificate is not None
        answer = {"certificate": certificate.number, "tables": certificate.tables}
        self.stdout.write(json.dumps(answer, ensure_ascii=False))
