"""From a GUID to a person, whichever of their records it once named."""

from uuid import UUID

from contacts.models import Contact


def find_contact(guid: UUID) -> Contact | None:
    """The live contact that `guid` leads to, following merges, or None."""
    contact = Contact.objects.select_related("merged_into").filter(guid=guid).first()
    while contact is not None and contact.merged_into is not None:
        contact = contact.merged_into
    return contact


def live(contact: Contact) -> Contact:
    """The live contact that `contact` is today."""
    while contact.merged_into is not None:
        contact = contact.merged_into
    return contact
