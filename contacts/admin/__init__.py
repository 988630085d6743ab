"""Contacts and their merges in the admin."""

# These add to the dashboard, to the sidebar and to the page of a contact.
from contacts.admin import (  # noqa: F401
    bulk_tags,
    dashboard,
    finding,
    identifiers,
    navigation,
    timeline_section,
)
from contacts.admin.contact import ContactAdmin
from contacts.admin.merge import ContactMergeAdmin
from contacts.admin.tags import TagAdmin

__all__ = ["ContactAdmin", "ContactMergeAdmin", "TagAdmin"]
