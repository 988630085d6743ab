"""Erases people in portions, each a short transaction, so that nobody waits for it.

First the names go, in one transaction: the contact has none any more, leads to nobody, and what
names the person is refused. Then rows go in portions, and the texts of others that name the person.
Last the contact itself goes. Whatever dies in between, the row `Erasure` says what is left.

Many people go together as one does, with one row `Erasure` for them: each step has the records of
all, and takes about as many queries as for one. What differs between people, `people_of` tells.

What higher rooms have to do with it they register here:

- `before_erasing`: when the names are about to go, while the contacts are locked;
- `forget_texts`: what rows of others, or of nobody, say about the person;
- `at_the_end`: before the contacts are deleted;
- `register_erasure_witness`: who keeps a record of erasures;
- `erasing_rows.before_deleting`: before a portion of the rows of a model goes.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, wraps
from typing import Any

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from adminsite.audit import unaudited
from contacts.emails import mailbox
from contacts.erased import Erasure
from contacts.erased_names import Identifier, Names, suppress
from contacts.erasing_rows import delete_some
from contacts.forgetting import forget_merges
from contacts.keys import OnMerge
from contacts.models import Contact, ContactChange, ContactIdentifier, ContactMerge
from contacts.profile import fields_of
from contacts.records import (
    all_records_of,
    all_spellings,
    close,
    emails_of,
    label_of,
    lock_all_records,
    merges_of,
    people_of,
    wait_for_others,
    what_becomes_of_all,
)
from contacts.resolving import UnknownContact
from database.outages import is_conflict
from jobs.tasks import ring
from jobs.working import stopping

JOB = "erasures"
# Who erases and waits for it is left alone by workers for so long after each portion.
_LEASE = timedelta(seconds=60)
# A worker goes on with one erasure for so long before it looks at others.
_SECONDS = 20.0
_ATTEMPTS = 3

_before_erasing: list[Callable[[Sequence[Contact]], None]] = []
_text_forgetters: list[Callable[["Erased"], Mapping[str, int] | None]] = []
_last_text_forgetters: list[Callable[["Erased"], Mapping[str, int] | None]] = []
_at_the_end: list[Callable[[Sequence[Contact]], None]] = []
_locks_of_portions: list[Callable[[], None]] = []
_begun: list["Witness"] = []
_done: list["Witness"] = []


@dataclass(frozen=True)
class Erased:
    """An erased person, or many: what they were known by, and how many rows are gone.

    :ivar erasure_id: the row of `Erasure`
    :ivar people: how many people they are
    :ivar contact_ids: of the people, and of all contacts that were merged into them
    :ivar guids: of the same
    :ivar emails: every one that they had, in its usual spellings and lower case
    :ivar email_keys: the same emails, each once, as `Contact.email_key` has them
    :ivar identifiers: what other systems knew them by
    :ivar full_names: first and last name, if both were known
    :ivar phones: as they stood in the contacts; few texts name people by them
    :ivar counts: rows that were deleted or cleared, by what a table is called; empty at the
        beginning
    """

    erasure_id: int
    requested_at: datetime
    people: int
    contact_ids: list[int]
    guids: list[str]
    emails: list[str] = field(default_factory=list)
    email_keys: list[str] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)
    full_names: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def names(self) -> Names:
        """What is refused from now on."""
        return Names(self.guids, self.email_keys, self.identifiers)

    @cached_property
    def spellings(self) -> list[str]:
        """What a text may have of them: GUIDs, with hyphens and without, and emails."""
        without_hyphens = [guid.replace("-", "") for guid in self.guids]
        return [*self.guids, *without_hyphens, *self.emails]


type Witness = Callable[[Erased, str, User | None], None]
# Of live contacts, by their ids: those of them who go all the same.
type Choose = Callable[[list[int]], Collection[int]]


def before_erasing(do: Callable[[Sequence[Contact]], None]) -> None:
    """Have `do` be called with the records of people, before they lose their names.

    That is in the transaction in which the names go, with the contacts locked: others wait. Most
    often it is one person; of many, `people_of` tells whose a record is. What `do` asks the
    database must not become more queries with more people.
    """
    _before_erasing.append(do)


def lock_for_portions(lock: Callable[[], None]) -> None:
    """Have `lock` be called first in transactions that delete rows, once the names are gone."""
    _locks_of_portions.append(lock)


def forget_texts(do: Callable[[Erased], Mapping[str, int] | None], *, last: bool = False) -> None:
    """Have `do` forget what texts say about people, in rows that are not theirs.

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
    """Have erasures be recorded. Both are called with the people, a reason, and who erases.

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
    return _erase_all(_begin([contact_id], reason, by, due_in=_LEASE))


def erase_many(contact_ids: Collection[int], choose: Choose, *, reason: str) -> Erased | None:
    """Erase people together, as one erasure, and return when nothing is left of them.

    A few hundred are as many as others can wait for: so long their contacts are locked. Those who
    are no more, or are being erased, are left out.

    :param choose: called with the ids of the contacts once they are locked, in the transaction in
        which the names go: those of them who go. It may be called again after a conflict
    :return: None if nobody was left
    """
    try:
        erased = _begin(contact_ids, reason, None, due_in=_LEASE, choose=choose)
    except Contact.DoesNotExist:
        return None
    return _erase_all(erased)


def _erase_all(erased: Erased) -> Erased:
    """Do all that is left, and tell how many rows are gone."""
    _go_on(erased.erasure_id, float("inf"))
    counts = Erasure.objects.values_list("counts", flat=True).get(pk=erased.erasure_id)
    return replace(erased, counts=counts)


def start(contact_id: int, *, reason: str, by: User | None = None) -> Erasure:
    """Take the names from a person, who is unknown from then on; workers delete the rest.

    :raises Contact.DoesNotExist: if there is no such contact, or it is being erased
    """
    erased = _begin([contact_id], reason, by, due_in=timedelta())
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
def _begin(
    contact_ids: Collection[int],
    reason: str,
    by: User | None,
    *,
    due_in: timedelta,
    choose: Choose | None = None,
) -> Erased:
    """Take the names away.

    :raises Contact.DoesNotExist: if there is nobody to erase
    """
    expected = what_becomes_of_all(all_records_of(contact_ids))
    people = people_of(lock_all_records(contact_ids))
    if choose is not None:
        chosen = set(choose([live.pk for live, *_ in people]))
        people = [person for person in people if person[0].pk in chosen]
    if not people:
        raise UnknownContact
    records = sorted((one for person in people for one in person), key=lambda one: one.pk)
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
        people=len(people),
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
        "phones": sorted({p for c in records for p in (c.mobile_phone, c.business_phone) if p}),
    }
    for do in _before_erasing:
        do(records)
    erasure.save()
    erased = _erased_of(erasure)
    suppress(erased.names)
    counts = _forget_links(records)
    erasure.counts = delete_some(ids, counts, besides=OnMerge.FOLLOW)[0]
    erasure.save(update_fields=["counts"])
    close(records, fields_of(Contact()))
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
    erasure.counts, is_more = delete_some(erasure.contact_ids, erasure.counts)
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
        erasure.counts, is_more = delete_some(ids, erasure.counts)
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


def _erased_of(erasure: Erasure) -> Erased:
    names = erasure.names
    return Erased(
        erasure_id=erasure.pk,
        requested_at=erasure.requested_at,
        people=erasure.people,
        contact_ids=list(erasure.contact_ids),
        guids=list(names["guids"]),
        emails=list(names["emails"]),
        email_keys=list(names["email_keys"]),
        identifiers=[Identifier(*one) for one in names["identifiers"]],
        full_names=list(names["full_names"]),
        # An erasure that was begun by an earlier version has none.
        phones=list(names.get("phones", ())),
        counts=dict(erasure.counts),
    )
