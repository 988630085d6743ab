"""Where figures lead: lists with the filters that find what was counted."""

from urllib.parse import urlencode

from activities.models import Activity
from adminsite.formatting import changelist_url
from adminsite.periods import Span, query_of
from automations.models import Email
from contacts.models import Contact


def activities_url(span: Span, **filters: object) -> str:
    """The activity log of a span, with these parameters."""
    given = "".join(f"&{urlencode({name: value})}" for name, value in filters.items())
    return changelist_url(Activity, f"{query_of(span, 'occurred_at')}{given}")


def people_url(kind: str, key: str) -> str:
    """The contacts who were here in the period that is called `key`."""
    return changelist_url(Contact, urlencode({"people": f"{kind}.{key}"}))


def emails_url(kind: str, key: str) -> str:
    """The emails of which this became in the period that is called `key`."""
    return changelist_url(Email, urlencode({"became": f"{kind}.{key}"}))
