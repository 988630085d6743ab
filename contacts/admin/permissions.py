"""What users of the admin may see of contacts and their merges, and do with them."""

from adminsite.permissions import AnyUser
from contacts.annotations import ContactNote
from contacts.models import Contact


def may_see_contacts(user: AnyUser) -> bool:
    """Whether this user may know who the contacts are."""
    return user.has_perm("contacts.view_contact")


def may_add_contacts(user: AnyUser) -> bool:
    """Whether this user may add contacts by hand."""
    return user.has_perm("contacts.add_contact")


def may_change_contacts(user: AnyUser) -> bool:
    """Whether this user may write the fields of contacts."""
    return user.has_perm("contacts.change_contact")


def may_write_about(user: AnyUser, contact: Contact) -> bool:
    """Whether this user may note something about a contact, and give it tags."""
    return may_change_contacts(user) and contact.merged_into_id is None


def may_delete_note(user: AnyUser, note: ContactNote) -> bool:
    """Whether this user may delete a note: their own, or that of another user."""
    return note.by_id == user.pk or user.has_perm("contacts.delete_contactnote")


def may_see_tags(user: AnyUser) -> bool:
    return user.has_perm("contacts.view_tag")


def may_see_merges(user: AnyUser) -> bool:
    return user.has_perm("contacts.view_contactmerge")


def may_decide_merges(user: AnyUser) -> bool:
    """Whether this user may merge contacts that wait for a decision, or keep them apart."""
    return user.has_perm("contacts.change_contactmerge")
