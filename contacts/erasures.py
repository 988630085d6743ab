"""Erases a person in portions, each a short transaction, so that nobody waits for it.

First the names go, in one transaction: the contact has none any more, leads to nobody, and what
names the person is refused. Then rows go in portions, and the texts of others that name the person.
Last the contact itself goes. Whatever dies in between, the row `Erasure` says what is left.

What higher rooms have to do with it they register here:

- `before_erasing`: when the names are about to go, while the contacts are locked;
- `before_deleting`: before a portion of the rows of a model goes;
- `forget_texts`: what rows of others, or of nobody, say about the person;
- `at_the_end`: before the contacts are deleted;
- `register_erasure_witness`: who keeps a record of erasures.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, wraps
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from adminsite.audit import unaudited
from contacts.emails import mailbox
from contacts.erased import Erasure
from contacts.erased_names import Identifier, Names, suppress
from contacts.forgetting import forget_merges
from contacts.keys import ContactKey, OnErase, OnMerge
from contacts.models import Contact, ContactChange, ContactIdentifier, ContactMerge
from contacts.profile import fields_of
from contacts.records import (
    all_spellings,
    close,
    emails_of,
    keys_that,
    label_of,
    lock_records,
    merges_of,
    rows_of,
    wait_for_others,
    what_becomes_of,
)
from database.outages import is_conflict
from jobs.tasks import ring
from jobs.working import stopping

JOB = "erasures"
# So many rows of a table go in one transaction.
PORTION = 5_000
# Who erases and waits for it is left alone by workers for so long after each portion.
_LEASE = timedelta(seconds=60)
# A worker goes on with one erasure for so long before it looks at others.
_SECONDS = 20.0
_ATTEMPTS = 3

_before_erasing: list[Callable[[Sequence[Contact]], None]] = []
_before_deleting: dict[type[Model], list[Callable[[Sequence[int]], None]]] = {}
_text_forgetters: list[Callable[["Erased"], Mapping[str, int] | None]] = []
_last_text_forgetters: list[Callable[["Erased"], Mapping[str, int] | None]] = []
_at_the_end: list[Callable[[Sequence[Contact]], None]] = []
_locks_of_portions: list[Callable[[], None]] = []
_begun: list["Witness"] = []
_done: list["Witness"] = []


@dataclass(frozen=True)
class Erased:
    """An erased person: what they were known by, and how many rows are gone.

    :ivar erasure_id: the row of `Erasure`
    :ivar guids: of the contact and of all that were merged into it
    :ivar emails: every one that the person had, in its usual spellings and lower case
    :ivar email_keys: the same emails, each once, as `Contact.email_key` has them
    :ivar identifiers: what other systems knew the person by
    :ivar full_names: first and last name, if both were known
    :ivar counts: rows that were deleted or cleared, by what a table is called; empty at the
        beginning
    """

    erasure_id: int
    requested_at: datetime
    contact_ids: list[int]
    guids: list[str]
    emails: list[str] = field(default_factory=list)
    email_keys: list[str] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)
    full_names: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def names(self) -> Names:
        """What is refused from now on."""
        return Names(self.guids, self.email_keys, self.identifiers)

    @cached_property
    def spellings(self) -> list[str]:
        """What a text may have of the person: GUIDs, with hyphens and without, and emails."""
        without_hyphens = [guid.replace("-", "") for guid in self.guids]
        return [*self.guids, *without_hyphens, *self.emails]


type Witness = Callable[[Erased, str, User | None], None]


def before_erasing(do: Callable[[Sequence[Contact]], None]) -> None:
    """Have `do` be called with the records of a person, before they lose their names.

    That is in the transaction in which the names go, with the contacts locked: others wait.
    """
    _before_erasing.append(do)


def before_deleting(model: type[Model], do: Callable[[Sequence[int]], None]) -> None:
    """Have `do` be called with the ids of rows of `model` that go next, in the same transaction."""
    _before_deleting.setdefault(model, []).append(do)


def lock_for_portions(lock: Callable[[], None]) -> None:
    """Have `lock` be called first in transactions that delete rows, once the names are gone."""
    _locks_of_portions.append(lock)


def forget_texts(do: Callable[[Erased], Mapping[str, int] | None], *, last: bool = False) -> None:
    """Have `do` forget what texts say about the person, in rows that are not the person's.

    It is called in a transaction of its own, once at least and perhaps again if a worker died, and
    returns how many rows it changed, by what their table is called. What it does is not audited.

    :param last: after all others that are not
    """
    (_last_text_forgetters if last else _text_forgetters).append(do)


def at_the_end(do: Callable[[Sequence[Contact]], None]) -> None:
    """Have `do` be called in the last transaction of an erasure, before the contacts are deleted.

    They have no names by then. `do` may wait for readers.
    """
    _at_the_end.append(do)


def register_erasure_witness(*, begun: Witness | None = None, done: Witness | None = None) -> None:
    """Have erasures be recorded. Both are called with the person, a reason, and who erases.

    `begun` is called last in the transaction in which the names go, with no counts yet. What it
    writes to a file is there before the erasure is; it may be for one that is rolled back and
    asked for again. `done` is called last in the transaction after which nothing is left. If one of
    them raises, its transaction is rolled back.

    The reason is a value of `Erasure.Reason`.
    """
    if begun is not None:
        _begun.append(begun)
    if done is not None:
        _done.append(done)


def erase(contact_id: int, *, reason: str, by: User | None = None) -> Erased:
    """Erase a person, and return when nothing is left.

    :raises Contact.DoesNotExist: if there is no such contact, or it is being erased
    """
    erased = _begin(contact_id, reason, by, due_in=_LEASE)
    _go_on(erased.erasure_id, float("inf"))
    counts = Erasure.objects.values_list("counts", flat=True).get(pk=erased.erasure_id)
    return replace(erased, counts=counts)


def start(contact_id: int, *, reason: str, by: User | None = None) -> Erasure:
    """Take the names from a person, who is unknown from then on; workers delete the rest.

    :raises Contact.DoesNotExist: if there is no such contact, or it is being erased
    """
    erased = _begin(contact_id, reason, by, due_in=timedelta())
    ring(JOB)
    return Erasure.objects.get(pk=erased.erasure_id)


def go_on(keys: Collection[int]) -> None:
    """Go on with these erasures."""
    for key in sorted(keys):
        _go_on(key, time.monotonic() + _SECONDS)


def _again_after_conflicts[**P, T](do: Callable[P, T]) -> Callable[P, T]:
    """Try again what PostgreSQL ended because two transactions waited for each other."""

    @wraps(do)
    def try_it(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(_ATTEMPTS - 1):
            try:
                return do(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not is_conflict(error):
                    raise
        return do(*args, **kwargs)

    return try_it


@_again_after_conflicts
@transaction.atomic
def _begin(contact_id: int, reason: str, by: User | None, *, due_in: timedelta) -> Erased:
    """Take the names away."""
    expected = what_becomes_of(contact_id)
    records = lock_records(contact_id)
    ids = [contact.pk for contact in records]
    given = emails_of(records)
    keys = _keys_to_suppress(records, given)
    rows = ContactIdentifier.objects.filter(contact__in=records)
    identifiers = [
        Identifier(*row) for row in rows.values_list("site_id", "kind", "value").order_by("pk")
    ]
    erasure = Erasure(
        reason=Erasure.Reason(reason),
        by=by,
        contact_ids=ids,
        expected=sum(expected["deleted"].values()) + sum(expected["cleared"].values()),
        due_at=timezone.now() + due_in,
    )
    erasure.names = {
        "guids": [str(contact.guid) for contact in records],
        "emails": all_spellings(given),
        "email_keys": keys,
        "identifiers": identifiers,
        "full_names": sorted({c.full_name for c in records if c.first_name and c.last_name}),
    }
    for do in _before_erasing:
        do(records)
    erasure.save()
    erased = _erased_of(erasure)
    suppress(erased.names)
    counts = _forget_links(records)
    erasure.counts = _delete_some(ids, counts, besides=OnMerge.FOLLOW)[0]
    erasure.save(update_fields=["counts"])
    blank = fields_of(Contact())
    for contact in records:
        # A GUID is unique, so each gets one of its own.
        close([contact], {**blank, "guid": uuid4()})
    for witness in _begun:
        witness(erased, reason, by)
    return erased


def _forget_links(records: Sequence[Contact]) -> dict[str, int]:
    """Delete what leads to these contacts, and merges, which workers would go on with."""
    merges = merges_of(records)
    keys = list(merges.values_list("pk", flat=True))
    forget_merges(merges, records)
    gone: tuple[QuerySet[Any], ...] = (
        ContactChange.objects.filter(merge__in=keys, contact__in=records),
        ContactMerge.objects.filter(pk__in=keys),
        # What is found by one of these would be somebody who leads to nobody.
        ContactIdentifier.objects.filter(contact__in=records),
    )
    counts = {label_of(rows.model): rows._raw_delete(rows.db) for rows in gone}
    return {label: count for label, count in counts.items() if count}


def _keys_to_suppress(records: Sequence[Contact], emails: Iterable[str]) -> list[str]:
    """The keys of these emails, but for those that another person has by now."""
    ids = [contact.pk for contact in records]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT lower(mailbox) FROM unnest(%s::text[]) AS given (mailbox)"
            " WHERE NOT EXISTS (SELECT FROM contacts_contact WHERE email_key = lower(mailbox)"
            " AND merged_into_id IS NULL AND NOT email_key = '' AND id <> ALL(%s)) ORDER BY 1",
            [[mailbox(email) for email in emails], ids],
        )
        return [key for (key,) in cursor.fetchall()]


def _go_on(key: int, ends_at: float) -> None:
    """Forget portion by portion, until nothing is left, or time is over, or the worker is to end.

    Who waits for the end is not stopped by that.
    """
    while _next_portion(key):
        if ends_at != float("inf") and (stopping.is_set() or time.monotonic() > ends_at):
            Erasure.objects.filter(pk=key).update(due_at=Now())
            return
    _forget_texts(key)
    _finish(key)


@_again_after_conflicts
@transaction.atomic
def _next_portion(key: int) -> bool:
    """Delete the next rows; whether there may be more."""
    erasure = _lock(key)
    if erasure is None:
        return False
    _take_locks()
    erasure.counts, is_more = _delete_some(erasure.contact_ids, erasure.counts)
    _save(erasure)
    return is_more


def _forget_texts(key: int) -> None:
    for do in (*_text_forgetters, *_last_text_forgetters):
        _forget_text(key, do)


@_again_after_conflicts
@transaction.atomic
def _forget_text(key: int, do: Callable[[Erased], Mapping[str, int] | None]) -> None:
    erasure = _lock(key)
    if erasure is None:
        return
    with unaudited():
        counts = do(_erased_of(erasure)) or {}
    for label, count in counts.items():
        if count:
            erasure.counts[label] = erasure.counts.get(label, 0) + count
    _save(erasure)


@_again_after_conflicts
@transaction.atomic
def _finish(key: int) -> None:
    """Delete the contacts, with what was still added about them when they lost their names."""
    erasure = _lock(key)
    if erasure is None:
        return
    ids = erasure.contact_ids
    rows = Contact.objects.filter(pk__in=ids)
    records = list(rows.order_by("pk"))
    _take_locks()
    for do in _at_the_end:
        do(records)
    wait_for_others()
    list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    is_more = True
    while is_more:
        erasure.counts, is_more = _delete_some(ids, erasure.counts)
    rows._raw_delete(rows.db)
    erasure.counts[label_of(Contact)] = len(records)
    erased = _erased_of(erasure)
    erasure.contact_ids, erasure.names, erasure.last_error = [], {}, ""
    erasure.finished_at, erasure.attempts = timezone.now(), 0
    erasure.save()
    for witness in _done:
        witness(erased, erasure.reason, erasure.by)


def _take_locks() -> None:
    for lock in _locks_of_portions:
        lock()


def _lock(key: int) -> Erasure | None:
    """The erasure, if it is not finished; no other worker goes on with it meanwhile."""
    rows = Erasure.objects.select_for_update(of=("self",), no_key=True)
    return rows.filter(pk=key, finished_at__isnull=True).first()


def _save(erasure: Erasure) -> None:
    erasure.due_at = timezone.now() + _LEASE
    erasure.save(update_fields=["counts", "due_at"])


def _delete_some(
    contact_ids: list[int], counts: Mapping[str, int], *, besides: OnMerge | None = None
) -> tuple[dict[str, int], bool]:
    """Delete and clear up to PORTION rows; the counts by then, and whether there may be more.

    A table has its turn when nothing is left of those before it.

    :param besides: leave out the tables whose rows move like this when contacts merge
    """
    counts, left = dict(counts), PORTION
    for on_erase, take in ((OnErase.DELETE, _delete), (OnErase.CLEAR, _clear)):
        for key in keys_that(on_erase):
            if key.on_merge == besides:
                continue
            if taken := take(key, contact_ids, left):
                label = label_of(key.model)
                counts[label] = counts.get(label, 0) + taken
                left -= taken
            if not left:
                return counts, True
    return counts, False


def _delete(key: ContactKey, contact_ids: list[int], most: int) -> int:
    """Delete rows without loading them: what points at one is deleted by itself."""
    table, column = key.model._meta.db_table, key.column
    ids: list[Any] = [contact_ids, most]
    if hooks := _before_deleting.get(key.model):
        keys = list(rows_of(key, contact_ids).values_list("pk", flat=True)[:most])
        for do in hooks if keys else ():
            do(keys)
        sql, ids = f'DELETE FROM "{table}" WHERE id = ANY(%s)', [keys]  # noqa: S608
    else:
        sql = (
            f'DELETE FROM "{table}" WHERE ctid = ANY(ARRAY('  # noqa: S608 -- names of our own
            f'SELECT ctid FROM "{table}" WHERE "{column}" = ANY(%s) LIMIT %s))'
        )
    with connection.cursor() as cursor:
        cursor.execute(sql, ids)
        return cursor.rowcount


def _clear(key: ContactKey, contact_ids: list[int], most: int) -> int:
    # In the order in which workers lock rows.
    rows = rows_of(key, contact_ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    keys = list(rows.values_list("pk", flat=True)[:most])
    return key.model._base_manager.filter(pk__in=keys).update(**{key.name: None}) if keys else 0


def _erased_of(erasure: Erasure) -> Erased:
    names = erasure.names
    return Erased(
        erasure_id=erasure.pk,
        requested_at=erasure.requested_at,
        contact_ids=list(erasure.contact_ids),
        guids=list(names["guids"]),
        emails=list(names["emails"]),
        email_keys=list(names["email_keys"]),
        identifiers=[Identifier(*one) for one in names["identifiers"]],
        full_names=list(names["full_names"]),
        counts=dict(erasure.counts),
    )
