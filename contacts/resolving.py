"""From a GUID to a person, whichever of their records it once named."""

from collections.abc import Callable, Collection
from uuid import UUID

from django.db import IntegrityError
from psycopg.errors import ForeignKeyViolation

from contacts.models import Contact
from database.cursors import array_of, preparing_cursor


class UnknownContact(LookupError):
    """A GUID leads to no contact."""


def find_contact(guid: UUID) -> Contact | None:
    """The live contact that `guid` leads to, following merges, or None."""
    try:
        return _follow(Contact.objects.get(guid=guid))
    except Contact.DoesNotExist:
        return None


def get_live_contact(contact_id: int) -> Contact:
    """The live contact that this one is by now, as the database has it.

    :raises Contact.DoesNotExist: if it was erased
    """
    return _follow(Contact.objects.get(pk=contact_id))


def ask_for_live_ids(guids: Collection[UUID]) -> Callable[[], dict[UUID, int]]:
    """Ask for the ids of the live contacts that these GUIDs lead to, as far as they lead to any.

    They are what the returned function returns. Between the two, more can be asked for.
    """
    cursor = preparing_cursor()
    cursor.execute(
        "SELECT guid, id, merged_into_id IS NULL FROM contacts_contact"
        " WHERE guid = ANY(%s::uuid[])",
        [array_of(guid.hex for guid in guids)],
    )

    def read() -> dict[UUID, int]:
        rows = cursor.fetchall()
        merged = [guid for guid, _, is_live in rows if not is_live]
        live = {guid: contact_id for guid, contact_id, is_live in rows if is_live}
        return live | _follow_all(merged) if merged else live

    return read


def _follow_all(guids: list[UUID]) -> dict[UUID, int]:
    with preparing_cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE line (guid, id, merged_into_id) AS ("
            "SELECT guid, id, merged_into_id FROM contacts_contact WHERE guid = ANY(%s)"
            " UNION SELECT line.guid, next.id, next.merged_into_id FROM line"
            " JOIN contacts_contact AS next ON next.id = line.merged_into_id"
            ") SELECT guid, id FROM line WHERE merged_into_id IS NULL",
            [guids],
        )
        return dict(cursor.fetchall())


def is_about_an_erased_contact(error: IntegrityError) -> bool:
    """Whether a row was refused because its contact was erased while it was written."""
    cause = error.__cause__
    return isinstance(cause, ForeignKeyViolation) and (cause.diag.constraint_name or "").endswith(
        "_fk_contacts_contact_id"
    )


def _follow(contact: Contact) -> Contact:
    while contact.merged_into is not None:
        contact = contact.merged_into
    return contact
