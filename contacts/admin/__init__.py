"""Contacts and their merges in the admin."""

from contacts.admin.contact import ContactAdmin
from contacts.admin.merge import ContactMergeAdmin

__all__ = ["ContactAdmin", "ContactMergeAdmin"]
