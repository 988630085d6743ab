"""Requests of persons as they come in."""

from datetime import timedelta

from privacy.requests.answering import confirm_identity
from privacy.requests.due import today
from privacy.requests.receiving import receive


def ask(kind, contact=None, *, by=None, days=0, email="", notes="", way="email"):
    """A request that was received so many days ago and is registered now; the open one of it."""
    return receive(
        kind,
        contact_id=contact and contact.pk,
        email=email,
        way=way,
        received_on=today() - timedelta(days=days),
        notes=notes,
        by=by,
    ).request


def ask_and_check(kind, contact, *, by, **fields):
    """A request of somebody whose identity was checked."""
    request = ask(kind, contact, by=by, **fields)
    confirm_identity(request.pk, "account", "", by=by)
    request.refresh_from_db()
    return request
