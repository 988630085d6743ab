"""Emails and GUIDs in texts: whose they are, and texts without those of other people."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any
from urllib.parse import unquote

from django.db import connection

from contacts.emails import mailbox
from contacts.models import Contact
from contacts.telling import OTHERS, Person
from database.cursors import array_of

# A GUID with or without hyphens.
_GUID = r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
# An email, also with its @ and + as addresses of pages escape them. It does not begin within an
# escape of such addresses, or of JSON.
_NO_ESCAPE = r"(?<!%)(?<!%[0-9A-Fa-f])(?<!\\)(?<!\\u)" + "".join(
    rf"(?<!\\u[0-9A-Fa-f]{{{digits}}})" for digits in (1, 2, 3)
)
_LOCAL = rf"{_NO_ESCAPE}(?:[\w.+'-]|%2[Bb]){{1,64}}"
_AT = "@|%40"
_DOMAIN = r"[\w-]{1,63}(?:\.[\w-]{1,63})+"
_NAMES = re.compile(f"{_GUID}|{_LOCAL}(?:{_AT}){_DOMAIN}")
_GUIDS, _ATS = re.compile(_GUID), re.compile(_AT)
_BEFORE, _AFTER = re.compile(rf"{_LOCAL}\Z"), re.compile(_DOMAIN)
_LONGEST_LOCAL = 200
_MOST_KNOWN = 50_000
_WITH_GUID = "SELECT guid FROM contacts_contact WHERE guid = ANY(%s::uuid[])"


def names_in(text: str) -> list[str]:
    """What looks like an email or a GUID in `text`, as it stands there."""
    found = _GUIDS.findall(text)
    # To look for an @ first is ten times as fast, and most texts have none.
    for at in _ATS.finditer(text):
        before = _BEFORE.search(text, max(at.start() - _LONGEST_LOCAL, 0), at.start())
        after = _AFTER.match(text, at.end())
        if before and after:
            found.append(text[before.start() : after.end()])
    return found


def as_compared(name: str) -> str:
    """A GUID or an email as these are compared."""
    if "@" in name or "%40" in name:
        # A full stop or an apostrophe at its end is of the sentence.
        return mailbox(unquote(name).strip(".'")).lower()
    digits = name.replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def is_of(person: Person, name: str) -> bool:
    """Whether this email or GUID is of `person`."""
    compared = as_compared(name)
    return compared in person.guids or compared in person.email_keys


def replaced(value: Any, is_other: Callable[[str], bool]) -> Any:
    """A value of JSON in which names for which `is_other` holds stand as another person's."""
    if isinstance(value, str):
        return _NAMES.sub(lambda match: OTHERS if is_other(match[0]) else match[0], value)
    if isinstance(value, dict):
        return {replaced(key, is_other): replaced(one, is_other) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [replaced(one, is_other) for one in value]
    return value


def texts_in(value: Any) -> Iterable[str]:
    """All texts of a value of JSON, names of members included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from texts_in(key)
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)


class Others:
    """Which names are of contacts other than one person: two questions for many rows at once."""

    def __init__(self, person: Person):
        self._person = person
        self._known: dict[str, bool] = {}

    def learn(self, names: Collection[str]) -> set[str]:
        """Find out about these names, as texts have them; return those of other contacts."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        compared = {as_compared(name) for name in names} - self._known.keys()
        compared -= self._person.guids
        compared -= self._person.email_keys
        emails = {name for name in compared if "@" in name}
        guids = compared - emails
        found: set[str] = set()
        if guids:
            with connection.cursor() as cursor:
                # One parameter, however many there are.
                cursor.execute(_WITH_GUID, [array_of(guids)])
                found |= {str(guid) for (guid,) in cursor.fetchall()}
        if emails:
            # The first of these conditions is that of the index.
            rows = Contact.objects.live().exclude(email_key="").filter(email_key__in=emails)
            found |= set(rows.values_list("email_key", flat=True))
        self._known |= {name: name in found for name in compared}
        return {name for name in names if self.is_other(name)}

    def is_other(self, name: str) -> bool:
        """Whether `name`, which was learnt, is of another contact."""
        return self._known.get(as_compared(name), False)
