"""How much of a contact, and of what happened, a destination is told."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from contacts.emails import mailbox
from contacts.models import Contact
from contacts.profile import FIELDS, as_text
from database.questions import Question, ask
from destinations.facts import Fact
from destinations.kinds import kind_of
from destinations.models import Delivery, Destination
from destinations.personal import texts_in

_EMAIL, _HASH = "email", "email_sha256"
# The key of an email is in the lower case of PostgreSQL, which is not that of Python.
_HASHES = """
SELECT given.email, encode(sha256(convert_to(lower(given.mailbox), 'UTF8')), 'hex')
FROM unnest(%s::text[], %s::text[]) AS given (email, mailbox)
"""


def fields_for(destination: Destination) -> list[str]:
    """The fields of contacts that go out to a destination, beside GUID and email."""
    chosen = destination.fields
    return [name for name in FIELDS if name != _EMAIL and (chosen is None or name in chosen)]


def contact_for(destination: Destination, contact: Contact) -> dict[str, str]:
    """What a destination is told of a contact. Of a hashed email, the hash of its key."""
    told = {"guid": str(contact.guid)}
    if destination.email == Destination.Email.PLAIN:
        told[_EMAIL] = contact.email
    elif destination.email == Destination.Email.SHA256:
        told[_EMAIL] = _hash(contact.email_key)
    return told | {name: as_text(getattr(contact, name)) for name in fields_for(destination)}


def data_for(
    destination: Destination, fact: Fact, hashes: Mapping[str, str]
) -> Mapping[str, Any] | None:
    """What a destination is told of a fact; None if nothing of it may go out.

    :param hashes: of emails in changes, as `hashes_of` has them
    """
    if fact.kind == Delivery.Kind.CONTACT:
        return _change_for(destination, fact.data, hashes)
    is_plain = destination.email == Destination.Email.PLAIN
    is_open = is_plain and kind_of(destination).takes_personal
    return fact.data if is_open or fact.without_personal is None else fact.without_personal


def hashes_of(facts: Iterable[Fact]) -> dict[str, str]:
    """The hashes of the emails in these changes of contacts, in one query if there are any."""
    emails = {
        email
        for fact in facts
        if fact.kind == Delivery.Kind.CONTACT
        for member in ("before", "after")
        if (email := fact.data[member].get(_EMAIL))
    }
    if not emails:
        return {}
    given = sorted(emails)
    (found,) = ask(Question(_HASHES, [given, [mailbox(one) for one in given]], dict))
    return found


def fields_in(
    payload: Any, destination: Destination, contact: Mapping[str, str], data: Mapping[str, Any]
) -> list[str]:
    """The fields of the contact whose values are in a payload, by their names, in order.

    :param contact: what the destination is told of the contact
    :param data: what it is told of the fact
    """
    texts = set(texts_in(payload))
    values: dict[str, set[str]] = {name: {text} for name, text in contact.items()}
    for member in ("before", "after"):
        if isinstance(changed := data.get(member), dict):
            for name, text in changed.items():
                values.setdefault(name, set()).add(text)
    hashed = destination.email == Destination.Email.SHA256
    named = {name for name, of_one in values.items() if of_one & texts - {""}}
    if hashed and _EMAIL in named:
        named = named - {_EMAIL} | {_HASH}
    return [name for name in ("guid", _HASH, *FIELDS) if name in named]


def _change_for(
    destination: Destination, data: Mapping[str, Any], hashes: Mapping[str, str]
) -> dict[str, Any] | None:
    names = fields_for(destination)
    if destination.email != Destination.Email.NONE:
        names = [_EMAIL, *names]
    told = {**data}
    for member in ("before", "after"):
        told[member] = {name: data[member][name] for name in names if name in data[member]}
        if destination.email == Destination.Email.SHA256 and (email := told[member].get(_EMAIL)):
            told[member][_EMAIL] = hashes[email]
    return told if told["after"] else None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest() if key else ""
