"""manage.py import_contacts: rows of a file become contacts, and what became of them is printed."""

from exchange.importing.commanding import ImportCommand


class Command(ImportCommand):
    help = (
        "Import contacts from a file, by a mapping of its columns. Prints as JSON how many rows "
        "were created, updated, merged, unchanged and rejected, and where the rejects are."
    )
