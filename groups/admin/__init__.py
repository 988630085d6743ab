"""Contact groups in the admin."""

# These add to the sidebar, to the page of a contact, and to the lists of other apps.
from groups.admin import (  # noqa: F401
    bulk,
    contact_filters,
    filters,
    merging,
    navigation,
    section,
    timeline,
    uses,
)
from groups.admin.group import ContactGroupAdmin

__all__ = ["ContactGroupAdmin"]
