"""The contacts that are one person, locked together, and what points at them.

Every row that points at a contact says by its `ContactKey` what happens to it.
"""

from collections.abc import Collection, Iterable, Sequence
from graphlib import TopologicalSorter
from typing import Any

from django.apps import apps
from django.contrib.postgres.functions import RandomUUID
from django.db import connection, transaction
from django.db.models import F, Model, Q, QuerySet

from contacts.emails import spellings
from contacts.keys import ContactKey, OnErase, OnMerge
from contacts.models import Contact, ContactChange, ContactMerge
from contacts.resolving import UnknownContact, live_of
from database.lookups import Among
from database.questions import ask

# The lock that an erasure holds alone, and that others share to hold off erasures.
_ERASING = 0x65726173


def lock_records(contact_id: int) -> list[Contact]:
    """Lock the live contact that this one has become, and all that were merged into it.

    Call it inside a transaction. Until that ends nobody merges them, and who adds a row about them
    waits.

    :raises Contact.DoesNotExist: if there is no such contact, or it is being erased
    """
    locked = lock_all_records([contact_id])
    if not locked:
        raise UnknownContact
    return locked


def lock_all_records(contact_ids: Collection[int]) -> list[Contact]:
    """The same of many contacts at once: those that are no more, or are being erased, are none."""
    # Before the locks of rows: what holds off erasures may come to wait for those.
    wait_for_others()
    while True:
        savepoint = transaction.savepoint()
        found = all_records_of(contact_ids)
        # Who carries out a merge, settles or undoes it, locks it before its contacts; so do we.
        merges = set(merges_of(found).order_by("pk").select_for_update(of=("self",)))
        # Stronger than the lock of merging: it stops rows that refer to these contacts.
        rows = Contact.objects.filter(Among("pk", [contact.pk for contact in found]))
        locked = list(rows.order_by("pk").select_for_update(of=("self",)))
        if set(all_records_of(contact_ids)) == set(locked) and merges >= set(merges_of(locked)):
            transaction.savepoint_commit(savepoint)
            return locked
        # Something was merged, or asked to be, while we waited. Let go before looking again.
        transaction.savepoint_rollback(savepoint)


def wait_for_others() -> None:
    """Wait for transactions that hold off erasures; until this one ends, none does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ERASING])


def try_hold_off_erasures() -> bool:
    """Whether nobody is being erased, or about to be; then nobody is until the transaction ends.

    It is for transactions that write about very many contacts and take a second at most. To lock
    each contact would write to the row of each, and again for each transaction that locks it too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", [_ERASING])
        return cursor.fetchone()[0]


def hold_off_erasures() -> None:
    """Wait until nobody is being erased; then nobody is until the transaction ends.

    Call it before other locks, in transactions that take a second at most.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_ERASING])


def records_of(contact_id: int) -> list[Contact]:
    """The live contact that this one has become, and all that were merged into it.

    :raises Contact.DoesNotExist: if there is no such contact, or it is being erased
    """
    records = all_records_of([contact_id])
    if not records:
        raise UnknownContact
    return records


def all_records_of(contact_ids: Collection[int]) -> list[Contact]:
    """The same of many contacts: the live ones first; of those that are no more there is none."""
    (live,) = ask(live_of(contact_ids))
    newest = list(Contact.objects.filter(Among("pk", set(live.values()))).order_by("pk"))
    records = []
    while newest:
        records += newest
        merged = Among("merged_into", [contact.pk for contact in newest])
        newest = list(Contact.objects.filter(merged).order_by("pk"))
    return records


def people_of(records: Iterable[Contact]) -> list[list[Contact]]:
    """These contacts by the person whose they are: each live one, and what was merged into it."""
    by_id = {contact.pk: contact for contact in records}
    people: dict[int, list[Contact]] = {
        one.pk: [one] for one in by_id.values() if one.merged_into_id not in by_id
    }
    for contact in by_id.values():
        live = contact
        while live.merged_into_id in by_id:
            live = by_id[live.merged_into_id]
        if live is not contact:
            people[live.pk].append(contact)
    return list(people.values())


def spelled_guids(records: Sequence[Contact]) -> dict[int, str]:
    """For each of these contacts, a regular expression of the GUIDs that the same person has."""
    found: dict[int, str] = {}
    for person in people_of(records):
        guids = "|".join(str(contact.guid).replace("-", "-?") for contact in person)
        found |= {contact.pk: guids for contact in person}
    return found


def merges_of(contacts: Iterable[Contact]) -> QuerySet[ContactMerge]:
    """The merges of these contacts, as survivors or losers."""
    ids = [contact.pk for contact in contacts]
    return ContactMerge.objects.filter(Q(Among("survivor", ids)) | Q(Among("loser", ids)))


def emails_of(records: list[Contact]) -> set[str]:
    """Every email that these had: now, before a merge, before a change."""
    emails = {contact.email for contact in records}
    changes = ContactChange.objects.filter(Q(before__has_key="email") | Q(after__has_key="email"))
    of_them = changes.filter(contact__in=records).values_list("before", "after")
    emails |= {fields.get("email", "") for pair in of_them for fields in pair}
    # Of a merge that was undone, the other contact is another person.
    for side in ("survivor", "loser"):
        merges = ContactMerge.objects.filter(**{f"{side}__in": records})
        for snapshot in merges.values_list(f"{side}_before", flat=True):
            emails |= {snapshot.get("email", "")} if snapshot else set()
    return emails - {""}


def all_spellings(emails: Iterable[str]) -> list[str]:
    """The usual spellings of these emails, in one order."""
    return sorted({spelling for email in emails for spelling in spellings(email)})


def rows_of(key: ContactKey, contact_ids: Sequence[int]) -> QuerySet:
    """The rows whose key points at one of these contacts."""
    return key.model._base_manager.filter(Among(key.name, contact_ids))


def keys_that(on_erase: OnErase) -> list[ContactKey]:
    """The keys whose rows fare like this, in an order in which rows can go.

    What refers to a row comes before it. What a contact may have very many of comes last.
    """
    keys = [
        field
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, ContactKey) and field.on_erase == on_erase and field.model != Contact
    ]
    order = {model: number for number, model in enumerate(_in_order(key.model for key in keys))}
    return sorted(keys, key=lambda key: (key.on_merge == OnMerge.FOLLOW, order[key.model]))


def label_of(model: type[Model]) -> str:
    """What counts call the rows of a table."""
    return str(model._meta.verbose_name_plural)


def what_becomes_of(contact_id: int) -> dict[str, dict[str, int]]:
    """How many rows an erasure would delete, clear and keep (`deleted` and so on), by table.

    :raises Contact.DoesNotExist: if there is no such contact, or it is being erased
    """
    return what_becomes_of_all(records_of(contact_id))


def what_becomes_of_all(records: Sequence[Contact]) -> dict[str, dict[str, int]]:
    """The same of these contacts, and those alone."""
    ids = [contact.pk for contact in records]
    found = {
        said: _count(keys_that(on_erase), ids)
        for said, on_erase in (
            ("deleted", OnErase.DELETE),
            ("cleared", OnErase.CLEAR),
            ("kept", OnErase.KEEP),
        )
    }
    found["deleted"][label_of(Contact)] = len(records)
    return found


def _count(keys: Iterable[ContactKey], contact_ids: list[int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for key in keys:
        if count := rows_of(key, contact_ids).count():
            label = label_of(key.model)
            counts[label] = counts.get(label, 0) + count
    return counts


def close(records: Sequence[Contact], nameless: dict[str, object]) -> None:
    """Take their names from these locked contacts, and have them lead to nobody.

    :param nameless: what their fields become
    """
    rows = Contact.objects.filter(Among("pk", [contact.pk for contact in records]))
    # A GUID is unique, so each gets one of its own.
    rows.update(**nameless, guid=RandomUUID(), merged_into=F("pk"))


def _in_order(models: Iterable[type[Model]]) -> list[type[Model]]:
    """These models, each before what it refers to by a key that the database checks."""
    given = sorted(set(models), key=lambda model: model._meta.label)
    graph: dict[type[Model], set[type[Model]]] = {model: set() for model in given}
    for model in given:
        for field in model._meta.local_fields:
            target: Any = field.related_model
            is_checked = getattr(field, "db_constraint", False)
            if is_checked and target in graph and target is not model:
                graph[target].add(model)
    return list(TopologicalSorter(graph).static_order())
