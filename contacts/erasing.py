"""A person is forgotten: their records, and every row that points at one of them.

Every row that points at a contact says by its `ContactKey` what happens to it.
"""

from collections.abc import Iterable

import msgspec
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q, QuerySet

from contacts.emails import spellings
from contacts.fields import ContactKey, OnErase
from contacts.models import Contact, ContactMerge
from contacts.resolving import get_live_contact

# What the admin's history calls them.
_ERASED = "Erased contact"


class Erased(msgspec.Struct):
    """What a person was known by who is forgotten."""

    guids: list[str]
    emails: list[str]


def lock_records(contact_id: int) -> list[Contact]:
    """Lock the live contact that this one is by now, and all that were merged into it.

    Call it inside a transaction. Until that ends nobody merges them, and who adds a row about them
    waits, and learns that they are gone.

    :raises Contact.DoesNotExist: if there is no such contact
    """
    while True:
        savepoint = transaction.savepoint()
        found = _records_of(contact_id)
        # Whoever carries out a merge locks it before its contacts; so do we.
        merges = set(_open_merges(found).order_by("pk").select_for_update(of=("self",)))
        # Stronger than the lock of merging: it stops rows that refer to these contacts.
        rows = Contact.objects.filter(pk__in=[contact.pk for contact in found])
        locked = list(rows.order_by("pk").select_for_update(of=("self",)))
        if set(_records_of(contact_id)) == set(locked) and merges >= set(_open_merges(locked)):
            transaction.savepoint_commit(savepoint)
            return locked
        # Something was merged, or asked to be, while we waited. Let go before looking again.
        transaction.savepoint_rollback(savepoint)


def erase_records(records: list[Contact]) -> Erased:
    """Delete these contacts of `lock_records`, and what points at them as its key says.

    Returns the names that they were known by.
    """
    erased = Erased(
        guids=[str(contact.guid) for contact in records], emails=sorted(_emails_of(records))
    )
    for key in _keys(OnErase.DELETE):
        _delete(_rows_of(key, records))
    for key in _keys(OnErase.CLEAR):
        _rows_of(key, records).update(**{key.name: None})
    _forget_in_history(records)
    _delete(Contact.objects.filter(pk__in=[contact.pk for contact in records]))
    return erased


def _delete(rows: QuerySet) -> None:
    # Without loading each row: there can be very many, and what points at one is deleted by itself.
    rows._raw_delete(rows.db)


def _records_of(contact_id: int) -> list[Contact]:
    newest = [get_live_contact(contact_id)]
    records = []
    while newest:
        records += newest
        newest = list(Contact.objects.filter(merged_into__in=newest))
    return records


def _open_merges(contacts: Iterable[Contact]) -> QuerySet[ContactMerge]:
    return ContactMerge.objects.open().filter(Q(survivor__in=contacts) | Q(loser__in=contacts))


def _emails_of(records: list[Contact]) -> set[str]:
    """Every email that these had, in its usual spellings: their own, and from before a merge."""
    emails = {contact.email for contact in records}
    merges = ContactMerge.objects.filter(Q(survivor__in=records) | Q(loser__in=records))
    for snapshots in merges.values_list("survivor_before", "loser_before"):
        emails |= {snapshot.get("email", "") for snapshot in snapshots if snapshot}
    return {spelling for email in emails - {""} for spelling in spellings(email)}


def _rows_of(key: ContactKey, records: list[Contact]) -> QuerySet:
    return key.model._base_manager.filter(**{f"{key.name}__in": records})


def _forget_in_history(records: list[Contact]) -> None:
    """Take the names of these contacts out of the admin's own history."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Contact),
        object_id__in=[str(contact.pk) for contact in records],
    )
    entries.update(object_repr=_ERASED)


def _keys(on_erase: OnErase) -> list[ContactKey]:
    return [
        field
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, ContactKey) and field.on_erase == on_erase
    ]
