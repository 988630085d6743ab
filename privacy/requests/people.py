"""Who a request is about: which records of the hub are that person today, and who is unknown."""

import hashlib
from collections.abc import Iterable

from django.db import connection
from django.db.models import F, QuerySet

from channels.models import Channel
from contacts.email_fields import email_key
from contacts.emails import mailbox
from contacts.models import Contact, ContactIdentifier
from contacts.resolving import UnknownContact, get_live_contact
from privacy.models import PersonRequest

_RECORDS = """
WITH RECURSIVE record (id) AS (
    SELECT %s::bigint
    UNION SELECT merged.id FROM contacts_contact AS merged JOIN record
        ON merged.merged_into_id = record.id
)
SELECT id FROM record
"""
_ASKING = """
WITH RECURSIVE record (id) AS (
    SELECT unnest(%s::bigint[])
    UNION SELECT merged.id FROM contacts_contact AS merged JOIN record
        ON merged.merged_into_id = record.id
)
SELECT id FROM record
WHERE EXISTS (SELECT FROM privacy_personrequest AS request WHERE request.contact_id = record.id)
"""


class CannotDo(ValueError):
    """A request cannot be dealt with so; the message tells a user why, and what to do instead.

    :ivar field: the field of the form that it is about, if it is about one
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def records_of(contact_id: int) -> list[int]:
    """The ids of a live contact and of all who were merged into it."""
    with connection.cursor() as cursor:
        cursor.execute(_RECORDS, [contact_id])
        return [record for (record,) in cursor.fetchall()]


def records_that_ask(contact_ids: Iterable[int]) -> list[int]:
    """Of many live contacts, and of all who were merged into them: the ids that have requests."""
    with connection.cursor() as cursor:
        cursor.execute(_ASKING, [list(contact_ids)])
        return [record for (record,) in cursor.fetchall()]


def live_contact_of(request: PersonRequest) -> Contact | None:
    """The live contact that the request is about today; None if the hub knows none."""
    if request.contact_id is None:
        return None
    try:
        return get_live_contact(request.contact_id)
    except UnknownContact:  # erased just now
        return None


def requests_of(contact_id: int) -> QuerySet[PersonRequest]:
    """The requests of the person who this live contact is, also of those merged into it."""
    return PersonRequest.objects.filter(contact__in=records_of(contact_id))


def contact_with(email: str) -> Contact | None:
    """The live contact of the person with this email: who has it, or had it when they were merged,
    or is known by it or by its hash on a site.
    """
    known = Contact.objects.exclude(email_key="").filter(email_key=email_key(email))
    # Of those with one email, the live one comes first.
    found = known.order_by(F("merged_into").asc(nulls_first=True)).first() or _identified_by(email)
    try:
        return get_live_contact(found.pk) if found else None
    except UnknownContact:  # being erased
        return None


def _identified_by(email: str) -> Contact | None:
    key = mailbox(email).lower().encode()
    hashes = [hashlib.sha256(key).hexdigest(), hashlib.md5(key, usedforsecurity=False).hexdigest()]
    # Identifiers are unique by site, kind and value: naming every one makes use of that index.
    row = ContactIdentifier.objects.filter(
        site_id__in=Channel.objects.values("site_id"),
        kind__in=ContactIdentifier.Kind.values,
        value__in=[email, key.decode(), *hashes],
    ).first()
    return row.contact if row else None
