"""The read API: contacts, timelines and groups for other systems, page by page."""
