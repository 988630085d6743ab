"""What a request is called by when it must not name the person any more: a keyed hash."""

from uuid import UUID

from contacts.erased_names import Names


def hash_of_person(*, email: str = "", guid: UUID | None = None) -> str:
    """The keyed hash of an email in any spelling, or of a GUID without an email."""
    names = Names(emails=[email]) if email else Names(guids=[str(guid)])
    by_kind = dict(names.digests())
    return by_kind["email" if email else "guid"]
