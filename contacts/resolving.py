"""From a GUID to a person, whichever of their records it once named."""

from uuid import UUID

from contacts.models import Contact


def find_contact(guid: UUID) -> Contact | None:
    """The live contact that `guid` leads to, following merges, or None."""
    contact = Contact.objects.select_related("merged_into").filter(guid=guid).first()
    return _follow(contact) if contact else None


def get_live_contact(contact_id: int) -> Contact:
    """The live contact that this one is by now, as the database has it."""
    return _follow(Contact.objects.select_related("merged_into").get(pk=contact_id))


def _follow(contact: Contact) -> Contact:
    while contact.merged_into is not None:
        contact = contact.merged_into
    return contact
