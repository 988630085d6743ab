"""Files that come in and go out, in the admin."""

# They register their pages, and the columns that lists are exported with.
from exchange.admin import exports, filters, imports, navigation
from exchange.exporting import activities, contacts, more

__all__ = ["activities", "contacts", "exports", "filters", "imports", "more", "navigation"]
