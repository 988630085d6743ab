"""Keyed hashes of emails and GUIDs: who types one finds what is kept under it."""

from collections.abc import Iterable

from contacts.emails import mailbox
from contacts.erased_names import keyed_hash


def digests_of(*, guids: Iterable[str] = (), emails: Iterable[str] = ()) -> set[str]:
    """The keyed hashes of these GUIDs and emails, in whatever spelling, in hexadecimal."""
    hashed = {keyed_hash("guid", guid.lower()) for guid in guids}
    return hashed | {keyed_hash("email", mailbox(email).lower()) for email in emails}
