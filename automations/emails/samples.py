"""A contact who does not exist, for previews and checks."""

from collections.abc import Collection

from automations.emails.known import Values, event_key
from automations.emails.links import Links

_CONTACT = {
    "email": "alex.sample@example.com",
    "first_name": "Alex",
    "middle_name": "Kim",
    "last_name": "Sample",
    "birthday": "1990-05-17",
    "mobile_phone": "+1 202 555 0100",
    "business_phone": "+1 202 555 0101",
    "company_name": "Example Ltd.",
    "job_title": "Buyer",
    "address1": "1 Main Street",
    "city": "Springfield",
    "zip": "62701",
    "country": "USA",
    "state": "IL",
    "notes": "A note",
}
_DATA = "https://www.example.com/sample"


def sample_values(events: Collection[str]) -> Values:
    """Values for every field, and for these events."""
    return Values(_CONTACT, {event_key(name): _DATA for name in events})


def sample_links() -> Links:
    """Links that lead nowhere, for an email that nobody is to get."""
    return Links(unsubscribe="#", preferences="#", confirm=lambda code_name: f"{_DATA}/confirm")
