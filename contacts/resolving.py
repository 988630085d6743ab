"""From a GUID to a person, whichever of their records it once named."""

from collections.abc import Collection
from uuid import UUID

from django.db import IntegrityError
from psycopg.errors import ForeignKeyViolation

from contacts.emails import mailbox
from contacts.erased_names import Names, erased_among
from contacts.models import Contact
from database.cursors import array_of
from database.questions import Question
from web.problems import ERASED, Problem


class UnknownContact(Problem, Contact.DoesNotExist):
    """A GUID, or an id, leads to no contact."""

    def __init__(self) -> None:
        super().__init__(404, "unknown_contact", "There is no contact with this GUID.")


class ErasedContact(UnknownContact):
    """A GUID is of a person who was erased: nothing is kept of what names them."""

    def __init__(self) -> None:
        Problem.__init__(
            self,
            404,
            ERASED,
            "The contact with this GUID was erased. Forget the GUID: a person who comes back is a "
            "new contact.",
        )


def why_unknown(guid: UUID) -> Question[UnknownContact]:
    """Asks why a GUID leads to no contact: there was none, or it was erased."""
    asked = erased_among(Names(guids=[str(guid)]))

    def read(rows: list[tuple]) -> UnknownContact:
        return ErasedContact() if asked.read(rows) else UnknownContact()

    return Question(asked.sql, asked.params, read)


def find_contact(guid: UUID) -> Contact | None:
    """The live contact that `guid` leads to, following merges, or None."""
    try:
        return _follow(Contact.objects.get(guid=guid))
    except Contact.DoesNotExist:
        return None


def get_live_contact(contact_id: int) -> Contact:
    """The live contact that this one has become, as the database has it.

    :raises UnknownContact: if it was erased
    """
    try:
        return _follow(Contact.objects.get(pk=contact_id))
    except Contact.DoesNotExist:
        raise UnknownContact from None


def live_ids(guids: Collection[UUID]) -> Question[tuple[dict[UUID, int], list[UUID]]]:
    """Asks for the ids of the live contacts that have these GUIDs, and which were merged.

    Where those lead to is what `follow_merged` asks for. A GUID of nobody is in neither.
    """
    return Question(
        "SELECT guid, id, merged_into_id IS NULL FROM contacts_contact"
        " WHERE guid = ANY(%s::uuid[])",
        [array_of(guid.hex for guid in guids)],
        _read_live_ids,
    )


def follow_merged(guids: Collection[UUID]) -> Question[dict[UUID, int]]:
    """Asks for the ids of the live contacts that these GUIDs of merged ones lead to."""
    return Question(
        "WITH RECURSIVE line (guid, id, merged_into_id) AS ("
        "SELECT guid, id, merged_into_id FROM contacts_contact WHERE guid = ANY(%s::uuid[])"
        " UNION SELECT line.guid, next.id, next.merged_into_id FROM line"
        " JOIN contacts_contact AS next ON next.id = line.merged_into_id"
        ") SELECT guid, id FROM line WHERE merged_into_id IS NULL",
        [array_of(guid.hex for guid in guids)],
        dict,
    )


def live_of(contact_ids: Collection[int]) -> Question[dict[int, int]]:
    """Asks for the ids of the live contacts that these have become; nobody's are left out."""
    return Question(
        "WITH RECURSIVE line (asked, id, merged_into_id) AS ("
        "SELECT id, id, merged_into_id FROM contacts_contact WHERE id = ANY(%s::bigint[])"
        " UNION SELECT line.asked, next.id, next.merged_into_id FROM line"
        " JOIN contacts_contact AS next ON next.id = line.merged_into_id"
        ") SELECT asked, id FROM line WHERE merged_into_id IS NULL",
        [array_of(contact_ids)],
        dict,
    )


def owners_of(emails: Collection[str]) -> Question[dict[str, tuple[str, int | None]]]:
    """Asks for the key of each of these emails, and for the id of the live contact who has it."""
    emails = list(emails)
    return Question(
        "SELECT given.email, lower(given.mailbox), contact.id"
        " FROM unnest(%s::text[], %s::text[]) AS given (email, mailbox)"
        " LEFT JOIN contacts_contact AS contact ON contact.email_key = lower(given.mailbox)"
        " AND contact.merged_into_id IS NULL AND NOT contact.email_key = ''",
        [emails, [mailbox(email) for email in emails]],
        lambda rows: {email: (key, contact_id) for email, key, contact_id in rows},
    )


def guid_with_email(email: str) -> Question[UUID | None]:
    """Asks for the GUID of the live contact with this email, in whatever spelling."""
    return Question(
        "SELECT guid FROM contacts_contact WHERE email_key = lower(%s)"
        # As its partial index has it.
        " AND merged_into_id IS NULL AND NOT email_key = ''",
        [mailbox(email)],
        lambda rows: rows[0][0] if rows else None,
    )


def _read_live_ids(rows: list[tuple]) -> tuple[dict[UUID, int], list[UUID]]:
    live = {guid: contact_id for guid, contact_id, is_live in rows if is_live}
    return live, [guid for guid, _, is_live in rows if not is_live]


def is_about_an_erased_contact(error: IntegrityError) -> bool:
    """Whether a row was refused because its contact was erased while it was written."""
    cause = error.__cause__
    return isinstance(cause, ForeignKeyViolation) and (cause.diag.constraint_name or "").endswith(
        "_fk_contacts_contact_id"
    )


def _follow(contact: Contact) -> Contact:
    while contact.merged_into is not None:
        if contact.merged_into_id == contact.pk:  # it is being erased
            raise Contact.DoesNotExist
        contact = contact.merged_into
    return contact
