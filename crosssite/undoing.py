"""Browsers that were recognised since a merge: nothing says whose they are."""

from contacts.returning import Owner, tell_owner


def register() -> None:
    """Have undoing a merge count them."""
    tell_owner("crosssite.sitecontact.contact", Owner(came_at="created_at"))
