"""The names of people who were erased: who has one of them is not brought back by others.

Kept are keyed hashes. They are made in Python of a few names, and in SQL of the rows of a table.
Usual requests name contacts that are there, and ask nothing of this: only what is about to make a
contact, or to give one an email or an identifier that it did not have, looks here.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress as suppressing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from contacts.emails import mailbox
from contacts.erased import ErasedName
from database.questions import Question, ask

_Kind = ErasedName.Kind
_BLOCK = 64
_KEY_FILE = "key"
_FINGERPRINT = "the key of erasures"
_SHORTEST_KEY = 32

_ADD = """
INSERT INTO contacts_erasedname (kind, digest, at)
SELECT kind, decode(digest, 'hex'), clock_timestamp()
FROM unnest(%s::text[], %s::text[]) AS new (kind, digest)
ON CONFLICT (kind, digest) DO NOTHING
"""
_TAKE_AWAY = """
DELETE FROM contacts_erasedname AS old
USING unnest(%s::text[], %s::text[], %s::timestamptz[]) AS given (kind, digest, before)
WHERE old.kind = given.kind AND old.digest = decode(given.digest, 'hex')
    AND (given.before IS NULL OR old.at < given.before)
RETURNING old.kind, encode(old.digest, 'hex')
"""
# What was hashed under another key cannot be found, so that is said instead of nothing.
_FIND = """
SELECT old.kind, encode(old.digest, 'hex')
FROM contacts_erasedname AS old JOIN unnest(%s::text[], %s::text[]) AS given (kind, digest)
    ON old.kind = given.kind AND old.digest = decode(given.digest, 'hex')
UNION ALL SELECT 'key', '' FROM contacts_erasedname
WHERE kind = 'key' AND digest <> decode(%s, 'hex')
"""
# All contacts and identifiers are read once. What there is not has no hash.
_NAMED = """
SELECT DISTINCT named.id FROM (
    SELECT contact.id, one.kind, one.digest FROM contacts_contact AS contact,
        LATERAL (VALUES {of_contacts}) AS one (kind, digest)
    UNION ALL
    SELECT known.contact_id, one.kind, one.digest FROM contacts_contactidentifier AS known,
        LATERAL (VALUES {of_identifiers}) AS one (kind, digest)
) AS named
JOIN unnest(%(kinds)s::text[], %(digests)s::text[]) AS given (kind, digest)
    ON given.kind = named.kind AND decode(given.digest, 'hex') = named.digest
ORDER BY 1
"""
# The same as `_digest`, of a column with texts.
_HASH = (
    "sha256(%(erasure_outer)s::bytea || sha256(%(erasure_inner)s::bytea"
    " || convert_to('{kind}' || chr(10) || {text}, 'UTF8')))"
)
_IS_ERASED = "EXISTS (SELECT FROM contacts_erasedname WHERE kind = '{kind}' AND digest = {hash})"
_SHA256 = "encode(sha256(convert_to({}, 'UTF8')), 'hex')"

_lift_witnesses: list[Callable[[Collection[tuple[str, str]]], None]] = []


class Identifier(NamedTuple):
    """What another system knows a contact by: `kind` is a value of `ContactIdentifier.Kind`."""

    site_id: str
    kind: str
    value: str


class NameErased(ValueError):
    """A contact is about to get a name that an erased person had."""

    def __init__(self) -> None:
        super().__init__(
            "This email belongs to a person who was erased. It can be used again when the person "
            "agrees anew, in a browser or a form."
        )


@dataclass(frozen=True)
class Names:
    """What people may be known by; an email in any spelling."""

    guids: Sequence[str] = ()
    emails: Sequence[str] = ()
    identifiers: Sequence[Identifier] = ()

    def digests(self) -> set[tuple[str, str]]:
        """The keyed hashes of these, in hexadecimal digits, each with its kind."""
        return {pair for name in self._each() for pair in _digests_of(name)}

    def __bool__(self) -> bool:
        return bool(self.guids or self.emails or self.identifiers)

    def _each(self) -> Iterable[tuple[str, Any]]:
        yield from (("guid", guid) for guid in self.guids)
        yield from (("email", email) for email in self.emails)
        yield from (("identifier", identifier) for identifier in self.identifiers)

    def among(self, found: set[tuple[str, str]]) -> "Names":
        """Those of these names whose hashes are among `found`."""
        kept: dict[str, list[Any]] = {"guid": [], "email": [], "identifier": []}
        for kind, name in self._each():
            if not found.isdisjoint(_digests_of((kind, name))):
                kept[kind].append(name)
        return Names(kept["guid"], kept["email"], kept["identifier"])


def suppress(names: Names) -> int:
    """Have these names refused from now on; return how many hashes are new."""
    return suppress_digests(names.digests())


def suppress_digests(pairs: Iterable[tuple[str, str]]) -> int:
    """The same of names whose hashes are known.

    :raises ImproperlyConfigured: if other names were hashed under another key
    """
    pairs = sorted(set(pairs))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ADD, [[_Kind.KEY], [_fingerprint()]])
        ensure_key()
        cursor.execute(_ADD, [[kind for kind, _ in pairs], [digest for _, digest in pairs]])
        return cursor.rowcount


def lift(names: Names, *, agreed_at: datetime | None = None) -> int:
    """Let these names come back, as the person agrees anew; return how many hashes are gone.

    If the person agreed at `agreed_at`, erasures since then stay as they are. Call it for what the
    person does in a browser or a form, and never for what a server, a file or a user of the admin
    says.
    """
    return lift_digests(dict.fromkeys(names.digests(), agreed_at))


def lift_digests(pairs: Mapping[tuple[str, str], datetime | None]) -> int:
    """The same of names whose hashes are known: each with the time after which it stays, if any."""
    if not pairs:
        return 0
    columns = zip(*((*pair, pairs[pair]) for pair in sorted(pairs)), strict=True)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE_AWAY, [list(column) for column in columns])
        gone = cursor.fetchall()
        if gone:
            for tell in _lift_witnesses:
                tell(gone)
    return len(gone)


def register_lift_witness(tell: Callable[[Collection[tuple[str, str]]], None]) -> None:
    """Have `tell` be called with the hashes that are lifted, before that commits."""
    _lift_witnesses.append(tell)


def erased_among(names: Names) -> Question[Names]:
    """Asks which of these names an erased person had."""
    digests = names.digests()
    kinds, values = [kind for kind, _ in digests], [digest for _, digest in digests]
    return Question(_FIND, [kinds, values, _fingerprint()], lambda rows: names.among(_read(rows)))


def are_erased(
    guids: Iterable[str] = (),
    emails: Iterable[str] = (),
    identifiers: Iterable[Identifier] = (),
) -> Names:
    """Those of these names that an erased person had; one query."""
    (found,) = ask(erased_among(Names([*guids], [*emails], [*identifiers])))
    return found


def erased_email_condition(column: str) -> tuple[str, dict[str, bytes]]:
    """A condition in SQL, and its parameters: an erased person had the email whose key is `column`.

    `column` is an expression with what `Contact.email_key` would be: a mailbox, in lower case.
    """
    by_sha256 = _IS_ERASED.format(
        kind=_Kind.EMAIL, hash=_HASH.format(kind="email", text=_SHA256.format(column))
    )
    by_md5 = _IS_ERASED.format(
        kind=_Kind.EMAIL_MD5, hash=_HASH.format(kind="email_md5", text=f"md5({column})")
    )
    return f"({by_sha256} OR {by_md5})", hash_params()


def hash_params() -> dict[str, bytes]:
    """The parameters of what hashes names in SQL."""
    inner, outer = _pads()
    return {"erasure_inner": inner, "erasure_outer": outer}


def contacts_named(digests: Iterable[tuple[str, str]]) -> list[int]:
    """The ids of contacts that have a name with one of these hashes; it reads all contacts once."""
    pairs = sorted(set(digests))
    hashed = ", ".join(
        f"('{kind}', {_HASH.format(kind=kind, text=text)})"
        for kind, text in (
            (_Kind.GUID, "contact.guid::text"),
            (_Kind.EMAIL, _SHA256.format("nullif(contact.email_key, '')")),
            (_Kind.EMAIL_MD5, "md5(nullif(contact.email_key, ''))"),
        )
    )
    of_identifiers = ", ".join(
        f"('{kind}', {_HASH.format(kind=kind, text=text)})"
        for kind, text in (
            (_Kind.IDENTIFIER, "site_id || chr(10) || kind || chr(10) || value"),
            (_Kind.EMAIL, "CASE kind WHEN 'email_sha256' THEN value END"),
            (_Kind.EMAIL_MD5, "CASE kind WHEN 'email_md5' THEN value END"),
        )
    )
    sql = _NAMED.format(of_contacts=hashed, of_identifiers=of_identifiers)
    params = hash_params() | {
        "kinds": [kind for kind, _ in pairs],
        "digests": [digest for _, digest in pairs],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [contact_id for (contact_id,) in cursor.fetchall()]


def ensure_key() -> None:
    """Make sure that the names of erased people can be found.

    What looks for them in SQL, as `erased_email_condition`, has to ask it before.

    :raises ImproperlyConfigured: if they were hashed under another key
    """
    _ask(set())


def keyed_hash(kind: str, text: str) -> str:
    """The HMAC-SHA256 of a text under the hub's key, in hexadecimal; `kind` says what for."""
    return _digest(kind, text)


def _read(rows: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    found = set(rows)
    if (_Kind.KEY.value, "") in found:
        raise ImproperlyConfigured(
            "The names of erased people were hashed under another ERASURE_KEY, so they cannot be "
            "found. Set ERASURE_KEY to the one of before, or, if it was not set, put the file "
            f"{_KEY_FILE} of before back into {settings.ERASURES_DIR}."
        )
    return found


def _ask(digests: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    kinds, values = [kind for kind, _ in digests], [digest for _, digest in digests]
    (found,) = ask(Question(_FIND, [kinds, values, _fingerprint()], _read))
    return found


def _digests_of(name: tuple[str, Any]) -> set[tuple[str, str]]:
    kind, value = name
    if kind == "guid":
        return {(_Kind.GUID.value, _digest(_Kind.GUID, str(value).lower()))}
    if kind == "email":
        key = mailbox(value).lower().encode("utf-8", "surrogatepass")
        md5 = hashlib.md5(key, usedforsecurity=False).hexdigest()
        return {
            (_Kind.EMAIL.value, _digest(_Kind.EMAIL, hashlib.sha256(key).hexdigest())),
            (_Kind.EMAIL_MD5.value, _digest(_Kind.EMAIL_MD5, md5)),
        }
    site_id, kind, text = value
    # The hash of an email is the same on each site.
    if kind == "email_sha256":
        return {(_Kind.EMAIL.value, _digest(_Kind.EMAIL, text))}
    if kind == "email_md5":
        return {(_Kind.EMAIL_MD5.value, _digest(_Kind.EMAIL_MD5, text))}
    return {(_Kind.IDENTIFIER.value, _digest(_Kind.IDENTIFIER, f"{site_id}\n{kind}\n{text}"))}


def _digest(kind: str, text: str) -> str:
    message = f"{kind}\n{text}".encode("utf-8", "surrogatepass")
    return hmac.new(_key(), message, hashlib.sha256).hexdigest()


def _fingerprint() -> str:
    return _digest(_Kind.KEY, _FINGERPRINT)


def _pads() -> tuple[bytes, bytes]:
    """The key as HMAC mixes it into its inner and its outer hash."""
    key = _key()
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return bytes(one ^ 0x36 for one in block), bytes(one ^ 0x5C for one in block)


def _key() -> bytes:
    # Beside the file of erasures, of which nothing can be told without it.
    return settings.ERASURE_KEY.encode() or _key_of(Path(settings.ERASURES_DIR))


@cache
def _key_of(folder: Path) -> bytes:
    """The key in this folder, made now if there is none."""
    file = folder / _KEY_FILE
    with suppressing(FileNotFoundError):
        return file.read_bytes()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = folder / f"{_KEY_FILE}.{os.getpid()}.{token_hex(4)}"
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as new:
        new.write(token_hex(_SHORTEST_KEY).encode())
        new.flush()
        os.fsync(new.fileno())
    try:
        with suppressing(FileExistsError):  # another process made one just now
            os.link(made, file)
    finally:
        made.unlink()
    return file.read_bytes()
