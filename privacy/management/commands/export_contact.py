"""manage.py export_contact GUID FILE.zip: writes all that the hub knows of a person into a file."""

import json
from pathlib import Path
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adminsite.audit import note
from contacts.resolving import find_contact
from contacts.telling import person_of
from privacy.access import storing
from privacy.access.writing import write_file
from privacy.models import AccessFile


class Command(BaseCommand):
    help = "Write all that the hub knows of a person into a ZIP, and print how many rows it has."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("guid", metavar="GUID", help="of the contact")
        parser.add_argument("file", metavar="FILE.zip", type=Path, help="which is not there yet")
        parser.add_argument(
            "--portability",
            action="store_true",
            help="only what the person provided, or what was observed of them (Article 20)",
        )

    def handle(self, *, guid: str, file: Path, portability: bool, **options) -> None:
        try:
            contact = find_contact(UUID(guid))
        except ValueError:
            raise CommandError(f"“{guid}” is no GUID.") from None
        if contact is None:
            raise CommandError(f"There is no contact with the GUID {guid}.")
        kind = AccessFile.Kind.PORTABILITY if portability else AccessFile.Kind.ACCESS
        try:
            with storing.create(file) as written:
                tables = self._write(contact.pk, kind, file, written)
        except FileExistsError:
            raise CommandError(f"{file} is there already: name a file that is not.") from None
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
        note(f"Wrote personal data to a file ({kind}).", model=contact)
        self.stdout.write(json.dumps({"tables": tables}))

    def _write(self, contact_id: int, kind: AccessFile.Kind, file: Path, written) -> dict[str, int]:
        try:
            return write_file(person_of(contact_id), kind, written)
        except BaseException:
            # Half a file would look like a whole one.
            file.unlink(missing_ok=True)
            raise
