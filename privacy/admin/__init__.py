"""Pages for those who answer for the data of persons."""

# These register pages, or add to the sidebar, the dashboard and the page of a contact.
from privacy.admin import (
    access_files,
    certificates,
    contact_section,
    dictionary,
    proofs,
    record,
    request_navigation,
    request_section,
    requests,
    retention,
    runs,
)

__all__ = [
    "access_files",
    "certificates",
    "contact_section",
    "dictionary",
    "proofs",
    "record",
    "request_navigation",
    "request_section",
    "requests",
    "retention",
    "runs",
]
