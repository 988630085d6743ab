"""Contacts and their merges in the admin."""

from contacts.admin import identifiers  # noqa: F401 -- adds a section to the page of a contact
from contacts.admin.contact import ContactAdmin
from contacts.admin.merge import ContactMergeAdmin

__all__ = ["ContactAdmin", "ContactMergeAdmin"]
