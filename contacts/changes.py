"""Writes the fields of contacts, and keeps what became different. No other code writes them.

Everything that a user, an application, a data input or a merge changes comes here, with its origin.
So for each value there is a `ContactChange` that says where it came from, and what it was before.
`contacts/changing_many.py` is the same for imports, which say what to write by a query. The one
exception is sample data (`contacts/sample_data.py`): contacts that PostgreSQL makes up.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet, Subquery
from django.utils import timezone

from adminsite.audit import note
from contacts.emails import are_one_mailbox, mailbox
from contacts.erased_names import NameErased, are_erased
from contacts.models import Contact, ContactChange, ContactMerge
from contacts.profile import FIELDS, fields_of, texts_of

_TYPES = {"birthday": "date"}
_COLUMNS = ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in FIELDS)
_SETTING = ", ".join(f"{name} = new.{name}" for name in FIELDS)
_WRITE = f"""
UPDATE contacts_contact AS contact SET email_key = lower(new.mailbox), {_SETTING}
FROM jsonb_to_recordset(%s) AS new (id bigint, mailbox text, {_COLUMNS})
WHERE contact.id = new.id
"""  # noqa: S608 -- of names of our own
# Django would take most of the time with the parameters of so many rows.
_KEEP = """
INSERT INTO contacts_contactchange
    (contact_id, source, before, after, at, by_id, activity_id, merge_id)
SELECT contact_id, source, before, after, %s, by_id, activity_id, merge_id
FROM jsonb_to_recordset(%s) AS change (contact_id bigint, source text, before jsonb, after jsonb,
    by_id bigint, activity_id bigint, merge_id bigint)
"""
_NOT_NEW = frozenset(
    {ContactChange.Source.MERGE, ContactChange.Source.UNDO, ContactChange.Source.DATA_INPUT}
)


@dataclass(frozen=True)
class Origin:
    """Where a change comes from: a user of the admin, a data input, a merge …"""

    source: ContactChange.Source
    by: User | None = None
    activity_id: int | None = None
    merge: ContactMerge | None = None


class Changes:
    """Changes of contacts, collected to be written together; in two statements.

    The contacts must be locked (`lock_live`) and as they are in the database.
    """

    def __init__(self, *, at: datetime | None = None):
        self._at = at or timezone.now()
        self._contacts: dict[int, Contact] = {}
        self._rows: list[dict[str, Any]] = []

    def add(self, contact: Contact, fields: Mapping[str, Any], origin: Origin) -> None:
        """Give `contact` these values; one that it has already is no change."""
        current = {name: getattr(contact, name) for name in fields}
        before, after = _difference(current, fields)
        for name, value in fields.items():
            setattr(contact, name, value)
        if after:
            self._contacts[contact.pk] = contact
            self._rows.append(_row(contact, before, after, origin))

    def write(self) -> None:
        """Write what was added.

        :raises django.db.IntegrityError: if a rule of the database is broken, such as that an email
            belongs to one live contact
        :raises NameErased: if an erased person had an email that is new to its contact
        """
        if self._rows:
            _refuse_erased(self._rows)
            _write(list(self._contacts.values()))
            _keep(self._rows, self._at)


def change_contact(contact: Contact, fields: Mapping[str, Any], origin: Origin) -> None:
    """Write these fields of a locked contact, and that they were changed.

    :raises django.db.IntegrityError: as `Changes.write`
    """
    changes = Changes()
    changes.add(contact, fields, origin)
    changes.write()


def create_contact(
    fields: Mapping[str, Any],
    origin: Origin,
    *,
    guid: UUID | None = None,
    created_at: datetime | None = None,
) -> Contact:
    """A new contact with these fields, and the change that they are.

    Without fields nothing changes: `create_anonymous` does as well.

    :raises django.db.IntegrityError: as `Changes.write`
    :raises NameErased: as `Changes.write`
    """
    created_at = created_at or timezone.now()
    contact = Contact(guid=guid or uuid4(), created_at=created_at, **fields)
    before, after = _difference(fields_of(Contact()), fields_of(contact))
    _refuse_erased([_row(contact, before, after, origin)])
    contact.save(force_insert=True)
    if after:
        _keep([_row(contact, before, after, origin)], created_at)
    return contact


def create_anonymous(guid: UUID | None = None, created_at: datetime | None = None) -> Contact:
    """A contact of whom nothing is known; the one that has the GUID `guid`, if there is one.

    That one may have been merged, or be known by now. The contact begins at `created_at`, or now,
    if it is new. Two callers who want one GUID at once get one contact.
    """
    fields = {} if created_at is None else {"created_at": created_at}
    if guid is None:
        return Contact.objects.create(**fields)
    contact, _ = Contact.objects.get_or_create(guid=guid, defaults=fields)
    return contact


def date_back(contacts: QuerySet[Contact], began_at: Subquery) -> None:
    """Let those of `contacts` who came later than `began_at`, a moment of each, begin then."""
    contacts.filter(created_at__gt=began_at).update(created_at=began_at)


def create_contacts(given: Sequence[tuple[Mapping[str, Any], Origin]]) -> list[Contact]:
    """New contacts with these fields and the changes that they are, in the order given.

    Emails are claimed in one order everywhere, so that two callers cannot wait for each other.

    :raises django.db.IntegrityError: as `Changes.write`
    """
    at = timezone.now()
    made = [(Contact(created_at=at, **fields), origin) for fields, origin in given]
    Contact.objects.bulk_create(
        sorted((contact for contact, _ in made), key=lambda contact: mailbox(contact.email).lower())
    )
    nothing = fields_of(Contact())
    _keep(
        [
            _row(contact, *_difference(nothing, fields_of(contact)), origin)
            for contact, origin in made
        ],
        at,
    )
    return [contact for contact, _ in made]


def _refuse_erased(rows: Sequence[dict[str, Any]]) -> None:
    """Make sure that no contact gets the email of a person who was erased.

    What one contact gets from another, by a merge or its undo, is nothing new. Data inputs have
    been asked about before, with everything else that they need.
    """
    emails = {
        email
        for row in rows
        if row["source"] not in _NOT_NEW
        and (email := row["after"].get("email"))
        and not are_one_mailbox(email, row["before"]["email"])
    }
    if emails and are_erased(emails=sorted(emails)):
        raise NameErased


def _difference(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """The fields that differ, as they were and as they became, as JSON has them."""
    given = {name: value for name, value in after.items() if value != before[name]}
    old, new = texts_of({name: before[name] for name in given}), texts_of(given)
    differing = [name for name in new if new[name] != old[name]]
    return {name: old[name] for name in differing}, {name: new[name] for name in differing}


def _row(contact: Contact, before: dict, after: dict, origin: Origin) -> dict[str, Any]:
    return {
        "contact_id": contact.pk,
        "source": origin.source,
        "before": before,
        "after": after,
        "by_id": origin.by and origin.by.pk,
        "activity_id": origin.activity_id,
        "merge_id": origin.merge and origin.merge.pk,
    }


def _keep(rows: Sequence[dict[str, Any]], at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [at, json.dumps(rows)])
    if by_user := [row for row in rows if row["source"] == ContactChange.Source.ADMIN]:
        _note(by_user)


def _note(rows: Sequence[dict[str, Any]]) -> None:
    """Say in the audit log that a user did it; the values stay with the contact alone."""
    fields = ", ".join(sorted({name.replace("_", " ") for row in rows for name in row["after"]}))
    first = rows[0]
    by = User.objects.filter(pk=first["by_id"]).first() if first["by_id"] else None
    if len(rows) == 1:
        note(f"Changed {fields}.", model=Contact, object_id=first["contact_id"], by=by)
    else:
        note(f"Changed {fields} of {len(rows):,} contacts.", model=Contact, by=by)


def _write(contacts: Sequence[Contact]) -> None:
    rows = [
        {
            "id": contact.pk,
            "mailbox": mailbox(contact.email),
            **texts_of(fields_of(contact)),
            "birthday": texts_of({"birthday": contact.birthday})["birthday"] or None,
        }
        for contact in contacts
    ]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [json.dumps(rows)])
