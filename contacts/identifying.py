"""Finds the contact that another system names, by the id of a user, an email or a browser.

An email says most, then the id of a user, then the id of a browser or an app, which several people
may use one after the other. What contradicts itself is never merged without a person.
"""

import hashlib
import struct
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import cached_property

import msgspec
from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, connection, transaction

from contacts.changes import Origin, change_contact, create_contact
from contacts.emails import mailbox
from contacts.erased_names import Identifier, NameErased, are_erased
from contacts.junk import is_junk
from contacts.merging import CannotMerge, choose_survivor, lock_live, request_merge
from contacts.models import Contact, ContactChange, ContactIdentifier, ContactMerge
from contacts.resolving import get_live_contact
from database.outages import is_conflict
from database.questions import Question

Kind = ContactIdentifier.Kind

_CONTACT_COLUMNS = [field.attname for field in Contact._meta.concrete_fields]
_HASHES = (Kind.EMAIL_SHA256, Kind.EMAIL_MD5)
_ORIGIN = Origin(ContactChange.Source.IDENTIFIED)


class Identity(msgspec.Struct, kw_only=True, frozen=True, dict=True):
    """What one event says about who did it. Everything is optional, and junk counts as absent.

    `anonymous_ids` name a browser or an app, the one that counts most first. `email` has been
    checked to be one; the hashes are of an email in lower case, in hexadecimal digits.
    """

    site_id: str
    anonymous_ids: tuple[str, ...] = ()
    user_id: str = ""
    email: str = ""
    email_sha256: str = ""
    email_md5: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it names nobody."""
        return not (self.browsers or self.keys)

    @cached_property
    def browsers(self) -> list[str]:
        """The anonymous ids that are no junk."""
        return [value for value in dict.fromkeys(self.anonymous_ids) if not is_junk(value)]

    @cached_property
    def keys(self) -> dict[str, str]:
        """What names a person, and not just a browser, by its kind."""
        given = {
            Kind.EMAIL_SHA256: self.email_sha256,
            Kind.EMAIL_MD5: self.email_md5,
            **(_hashes_of(self.email) if self.email else {}),
            Kind.USER_ID: self.user_id,
        }
        return {kind: value for kind, value in given.items() if not is_junk(value)}


class Known:
    """What the database said of several identities, so that most need not be looked up one by one.

    An identity that is `usual` says nothing new: there is nothing to make, to join or to keep.
    """

    def __init__(self, rows: list[tuple]):
        self._identified: dict[tuple[str, str], Contact] = {}
        self._by_email: dict[str, Contact] = {}
        self._usual: dict[Identity, Contact | None] = {}
        for kind, value, email_key, *fields in rows:
            contact = Contact.from_db(DEFAULT_DB_ALIAS, _CONTACT_COLUMNS, fields)
            if kind:
                self._identified[kind, value] = contact
            else:
                self._by_email[email_key] = contact

    def find_usual(self, identity: Identity) -> Contact | None:
        """The contact that `identity` names, if it is a usual one; None says nothing."""
        if identity not in self._usual:
            self._usual[identity] = self._find(identity)
        return self._usual[identity]

    def _find(self, identity: Identity) -> Contact | None:
        try:
            lookup = _Recalled(identity, self)
        except _Unsaid:
            return None
        return lookup.person if lookup.person and lookup.is_complete else None

    def identified(self, kind: str, value: str) -> Contact | None:
        """The contact with this identifier.

        :raises _Unsaid: if it was merged
        """
        contact = self._identified.get((kind, value))
        if contact is not None and contact.merged_into_id is not None:
            raise _Unsaid
        return contact

    def with_email(self, email: str) -> Contact | None:
        """The contact with this email.

        :raises _Unsaid: if that is not certain, since letters outside of ASCII have a lower case
            of PostgreSQL's own
        """
        key = mailbox(email)
        if not key.isascii():
            raise _Unsaid
        return self._by_email.get(key.lower())


class _Unsaid(Exception):
    """The database has to be asked again."""


def known_of(identities: Collection[Identity], *, site_id: str) -> Question[Known]:
    """Asks what is known of these identities, which are all of one site."""
    named = {pair for identity in identities for pair in identity.keys.items()}
    named |= {(Kind.ANONYMOUS_ID, value) for identity in identities for value in identity.browsers}
    emails = {mailbox(identity.email) for identity in identities if identity.email}
    kinds, values = [str(kind) for kind, _ in named], [value for _, value in named]
    if emails:
        sql = f"{_BY_IDENTIFIER} UNION ALL {_BY_EMAIL}"
        return Question(sql, [kinds, values, site_id, list(emails)], Known)
    return Question(_BY_IDENTIFIER, [kinds, values, site_id], Known)


_COLUMNS = ", ".join(f"contact.{name}" for name in _CONTACT_COLUMNS)
_BY_IDENTIFIER = (
    f"SELECT known.kind, known.value, '', {_COLUMNS}"  # noqa: S608 -- our own columns
    " FROM unnest(%s::text[], %s::text[]) AS named (kind, value)"
    " JOIN contacts_contactidentifier AS known"
    " ON known.site_id = %s AND known.kind = named.kind AND known.value = named.value"
    " JOIN contacts_contact AS contact ON contact.id = known.contact_id"
)
_BY_EMAIL = (
    f"SELECT '', '', contact.email_key, {_COLUMNS}"  # noqa: S608 -- our own columns
    " FROM contacts_contact AS contact"
    " WHERE contact.email_key = ANY(SELECT lower(given) FROM unnest(%s::text[]) AS given)"
    # As its partial index has it.
    " AND contact.merged_into_id IS NULL AND NOT contact.email_key = ''"
)


def find_identified(identity: Identity) -> Contact | None:
    """The contact that `identity` names by now, or None. Nothing is made, joined or kept."""
    return _Lookup(identity).person


def identify(identity: Identity) -> Contact:
    """The contact that `identity` names, made now if there was none.

    Two contacts who turn out to be one are asked to be merged: by a worker, or, if they have
    different emails, by a person. A visitor who says to be another person than the last one on the
    same browser is another contact, and the browser is theirs from then on.

    :raises ValueError: if the identity is empty
    :raises NameErased: if it names a person who was erased
    """
    if identity.is_empty:
        raise ValueError("Nobody is named.")
    lookup = _Lookup(identity)
    if lookup.person and lookup.is_complete:
        return lookup.person
    identity = _without_erased(identity)
    for attempts_left in (2, 1, 0):
        try:
            with transaction.atomic():
                _wait_for_others(identity)
                return _Lookup(identity).settle()
        except (IntegrityError, OperationalError) as error:
            # Another contact got this email, or was merged; or an erasure waits for what this
            # transaction has, which waits for the erasure.
            is_about_others = isinstance(error, IntegrityError) or is_conflict(error)
            if not attempts_left or not is_about_others:
                raise
    raise AssertionError("unreachable")


def _without_erased(identity: Identity) -> Identity:
    """What is left of an identity if browsers of erased people count as absent.

    Somebody else may use such a browser now.

    :raises NameErased: if something else of it, or all of it, names an erased person
    """
    site_id = identity.site_id
    keys = [Identifier(site_id, str(kind), value) for kind, value in identity.keys.items()]
    browsers = [Identifier(site_id, Kind.ANONYMOUS_ID.value, one) for one in identity.browsers]
    found = are_erased(identifiers=[*keys, *browsers]).identifiers
    if not found:
        return identity
    left = tuple(one.value for one in browsers if one not in found)
    if not set(found).isdisjoint(keys) or not (keys or left):
        raise NameErased
    return msgspec.structs.replace(identity, anonymous_ids=left)


class _Lookup:
    """Everything that the database says about an identity at one moment."""

    def __init__(self, identity: Identity):
        self.identity = identity
        self.keys, self.browsers = identity.keys, identity.browsers
        self._rows = self._read_rows()
        by_email = self._find_by_email()
        self._by_key = [by_email] if by_email else []
        self._by_key += [self._rows[pair] for pair in self.keys.items() if pair in self._rows]
        self._by_browser = [
            self._rows[Kind.ANONYMOUS_ID, value]
            for value in self.browsers
            if (Kind.ANONYMOUS_ID, value) in self._rows
        ]
        self.person = self._choose()

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing to make, to join or to keep."""
        assert self.person is not None
        has_email = not self.identity.email or bool(self.person.email)
        return (
            has_email
            and all(other == self.person for other in (*self._by_key, *self._by_browser))
            and not self._unkept(self.person)
        )

    def settle(self) -> Contact:
        """Make, join and keep what there is to, and return the contact that is named."""
        email = self.identity.email
        person = self.person or create_contact({"email": email} if email else {}, _ORIGIN)
        if email and not person.email:
            (person,) = lock_live(person.pk)
            if not person.email:
                change_contact(person, {"email": email}, _ORIGIN)
        for other in self._by_key:
            _ask_to_merge(person, other)
        for other in self._by_browser:
            if not self._contradict(person, other):
                _ask_to_merge(person, other)
        self._keep(person)
        return person

    def _read_rows(self) -> dict[tuple[str, str], Contact]:
        wanted = {*self.keys.items(), *((Kind.ANONYMOUS_ID, value) for value in self.browsers)}
        rows = ContactIdentifier.objects.filter(
            site_id=self.identity.site_id, value__in=[value for _, value in wanted]
        ).select_related("contact__merged_into")
        return {
            (row.kind, row.value): contact
            for row in rows
            if (row.kind, row.value) in wanted
            # A contact whose email is known is found by that, and not by a hash of long ago.
            and not ((contact := _live(row.contact)).email and row.kind in _HASHES)
        }

    def _find_by_email(self) -> Contact | None:
        if self.identity.email:
            return Contact.objects.with_email(self.identity.email).first()
        sha256, md5 = self.keys.get(Kind.EMAIL_SHA256, ""), self.keys.get(Kind.EMAIL_MD5, "")
        if not (sha256 or md5):
            return None
        return Contact.objects.with_email_hash(sha256=sha256, md5=md5).order_by("pk").first()

    def _choose(self) -> Contact | None:
        given = {kind: {value} for kind, value in self.keys.items()}
        for contact in self._by_key:
            if not _differ(given, _emails_of(contact)):
                return contact
        for contact in self._by_browser:
            if not self.keys or not _differ(given, self._known_keys(contact)):
                return contact
        return None

    def _contradict(self, person: Contact, other: Contact) -> bool:
        """Whether `other`, known from this browser, is a different person."""
        if person == other:
            return True
        known, given = self._known_keys(person), self.keys.items()
        mine = {kind: known.get(kind, set()) | {value} for kind, value in given}
        return _differ({**known, **mine}, self._known_keys(other))

    def _known_keys(self, contact: Contact) -> dict[str, set[str]]:
        known = _emails_of(contact)
        rows = contact.identifiers.filter(site_id=self.identity.site_id)
        for kind, value in rows.exclude(kind=Kind.ANONYMOUS_ID).values_list("kind", "value"):
            if kind not in _HASHES or not contact.email:
                known.setdefault(kind, set()).add(value)
        return known

    def _unkept(self, person: Contact) -> list[tuple[str, str]]:
        """The identifiers that are to be kept for `person` and are not."""
        keys = [
            (kind, value)
            for kind, value in self.keys.items()
            if kind == Kind.USER_ID or not person.email
        ]
        browsers = [(Kind.ANONYMOUS_ID.value, value) for value in self.browsers]
        return [pair for pair in keys if pair not in self._rows] + [
            pair for pair in browsers if self._rows.get(pair) != person
        ]

    def _keep(self, person: Contact) -> None:
        ContactIdentifier.objects.bulk_create(
            [
                ContactIdentifier(
                    contact=person, site_id=self.identity.site_id, kind=kind, value=value
                )
                for kind, value in self._unkept(person)
            ],
            # The contact who uses a browser now has it, and no undo of an import takes it away.
            update_conflicts=True,
            unique_fields=["site_id", "kind", "value"],
            update_fields=["contact", "import_id"],
        )


class _Recalled(_Lookup):
    """The same from what was asked for beforehand.

    :raises _Unsaid: if that does not say enough
    """

    def __init__(self, identity: Identity, known: Known):
        self._known = known
        super().__init__(identity)

    def _read_rows(self) -> dict[tuple[str, str], Contact]:
        wanted = {*self.keys.items(), *((Kind.ANONYMOUS_ID, value) for value in self.browsers)}
        rows = {pair: self._known.identified(*pair) for pair in wanted}
        return {
            (kind, value): contact
            for (kind, value), contact in rows.items()
            if contact and not (contact.email and kind in _HASHES)
        }

    def _find_by_email(self) -> Contact | None:
        if self.identity.email:
            return self._known.with_email(self.identity.email)
        if not self.keys.keys().isdisjoint(_HASHES):
            raise _Unsaid
        return None

    def _known_keys(self, contact: Contact) -> dict[str, set[str]]:
        raise _Unsaid


def _live(contact: Contact) -> Contact:
    return get_live_contact(contact.pk) if contact.merged_into_id else contact


def _differ(one: dict[str, set[str]], other: dict[str, set[str]]) -> bool:
    """Whether both have keys of one kind, and none of them in common."""
    return any(
        one[kind] and other[kind] and not one[kind] & other[kind] for kind in one.keys() & other
    )


def _emails_of(contact: Contact) -> dict[str, set[str]]:
    hashes = _hashes_of(contact.email) if contact.email else {}
    return {kind: {value} for kind, value in hashes.items()}


def _hashes_of(email: str) -> dict[str, str]:
    key = mailbox(email).lower().encode()
    return {
        Kind.EMAIL_SHA256: hashlib.sha256(key).hexdigest(),
        Kind.EMAIL_MD5: hashlib.md5(key, usedforsecurity=False).hexdigest(),
    }


def _ask_to_merge(person: Contact, other: Contact) -> None:
    if person == other:
        return
    survivor, loser = choose_survivor(person, other)
    # They have become one in the meantime; or a user keeps them apart, and is not asked again.
    with suppress(CannotMerge):
        request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.IDENTIFIER)


def _wait_for_others(identity: Identity) -> None:
    """Take turns with requests that name the same identifiers, or both would create a contact."""
    named: Iterable[str] = (*identity.keys.values(), *identity.browsers)
    numbers = sorted(_lock_number(f"{identity.site_id} {value}") for value in named)
    with connection.cursor() as cursor:
        # In one order everywhere, so that two callers cannot wait for each other.
        for number in numbers:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _lock_number(text: str) -> int:
    (number,) = struct.unpack("q", hashlib.blake2b(text.encode(), digest_size=8).digest())
    return number
