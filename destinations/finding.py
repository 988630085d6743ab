"""Destinations without their secrets, for the code that makes messages."""

from django.db.models import QuerySet

from destinations.models import Destination

# Each takes time to unseal.
_SEALED = ("headers", "credentials", "secret", "earlier_secret")


def destinations_to_tell() -> QuerySet[Destination]:
    """All destinations, each with its consent, and without secrets: those are read when needed."""
    return Destination.objects.defer(*_SEALED).select_related("consent")


def find_destination(code_name: str) -> Destination | None:
    """The destination with this code name, in any letter case, or None."""
    return destinations_to_tell().filter(code_name__fold=code_name).first()
