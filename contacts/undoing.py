"""A merge is undone: two contacts again, with what was each one's as far as that can be told.

An undone pair is kept apart (`contacts.apart`): only a user merges them again.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from contacts.changes import Changes, Origin
from contacts.emails import are_one_mailbox
from contacts.merging import lock_all_live
from contacts.models import Contact, ContactChange, ContactMerge, UndoneMerge
from contacts.moving import transaction_ids
from contacts.profile import FIELDS, fields_of, from_text, may_have_state, texts_of
from contacts.returning import Left, Returning
from contacts.touching import touch
from database.outages import is_conflict
from jobs.tasks import ring
from jobs.working import stopping

_Status = ContactMerge.Status

CHANGED = "was changed since the merge: stays with the survivor as it is"
TAKEN = "another contact has it by now"
ABROAD = "was left out: only contacts in the USA have a state"


class CannotUndo(Exception):
    """A merge cannot be undone; the message says why, for the person who asked."""


@dataclass(frozen=True)
class Undoing:
    """A merge that is undone, and the two contacts, who are live and locked."""

    merge: ContactMerge
    survivor: Contact
    loser: Contact


@dataclass
class Told:
    """What goes back, by what it is called, and what does not."""

    restored: dict[str, int] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """What else an undo brings back, which an app above knows of.

    `count` tells it beforehand. `do` is called in the transaction, before rows go back: by now the
    contacts are locked, and nothing else is.
    """

    count: Callable[[Undoing], Told]
    do: Callable[[Undoing], object]


_parts: list[Part] = []


def register_part(part: Part) -> None:
    """Have undoing a merge do something else as well."""
    _parts.append(part)


@dataclass(frozen=True)
class Plan:
    """What undoing a merge would do now."""

    # What the two contacts' fields become, where they become different.
    survivor_fields: dict[str, Any]
    loser_fields: dict[str, Any]
    restored: dict[str, int]
    left: list[Left]

    @property
    def as_json(self) -> dict[str, Any]:
        """What is kept of it, and shown: `restored` and `not_restored`."""
        fields = {"fields": list(self.survivor_fields)} if self.survivor_fields else {}
        return {
            "restored": {**self.restored, **fields},
            "not_restored": [left.as_json() for left in self.left],
        }


def plan_undo(merge: ContactMerge) -> Plan:
    """What undoing this merge would bring back, and what not.

    :raises CannotUndo: if it cannot be undone
    """
    contacts = Contact.objects.in_bulk([merge.survivor_id, merge.loser_id])
    return _plan(_check(merge, contacts.get(merge.survivor_id), contacts.get(merge.loser_id)))


def undo_merge(merge_id: int, *, by: User | None = None) -> UndoneMerge:
    """Make two contacts of one again; return what came of it.

    Of very many activities, a worker gives back the rest afterwards.

    :raises CannotUndo: if it cannot be undone
    """
    for attempts_left in (2, 1, 0):
        try:
            undone = _undo(merge_id, by)
            break
        except (IntegrityError, OperationalError) as error:
            # A contact got the email just now; or each waited for what the other had.
            is_about_others = isinstance(error, IntegrityError) or is_conflict(error)
            if not attempts_left or not is_about_others:
                raise
    ring("undone merges")
    return undone


def settle_undone(keys: Collection[int]) -> None:
    """Give back what these undone merges have left at the survivors.

    That is what was too much for one transaction, and what was recorded under the name of the
    merged contact by transactions that had resolved it before the undo ended: as
    `contacts.merging.settle_merges`, the other way round.
    """
    for key in sorted(keys):
        while not stopping.is_set() and _settle(key):
            pass


@transaction.atomic
def _undo(merge_id: int, by: User | None) -> UndoneMerge:
    # As a worker and an erasure do, the merge before its contacts.
    merge = ContactMerge.objects.select_for_update(of=("self",)).filter(pk=merge_id).first()
    if merge is None:
        raise CannotUndo(f"There is no merge {merge_id}.")
    both = Contact.objects.locked().filter(pk__in=[merge.survivor_id, merge.loser_id])
    contacts = {contact.pk: contact for contact in both}
    undoing = _check(merge, contacts.get(merge.survivor_id), contacts.get(merge.loser_id))
    plan = _plan(undoing)
    changes, origin = Changes(), Origin(ContactChange.Source.UNDO, merge=merge)
    # One statement after the other: an email belongs to one live contact.
    changes.add(undoing.survivor, plan.survivor_fields, origin)
    changes.add(undoing.loser, plan.loser_fields, origin)
    changes.write()
    Contact.objects.filter(pk=undoing.loser.pk).update(merged_into=None)
    ContactMerge.objects.filter(pk=merge.pk).update(status=_Status.UNDONE, is_settled=True)
    undone = UndoneMerge.objects.create(merge=merge, at=timezone.now(), by=by, **plan.as_json)
    for part in _parts:
        part.do(undoing)
    _returning(undoing).give_back()
    return undone


def _check(merge: ContactMerge, survivor: Contact | None, loser: Contact | None) -> Undoing:
    """The two contacts of a merge that can be undone.

    :raises CannotUndo: if it cannot
    """
    if merge.status == _Status.UNDONE:
        raise CannotUndo(f"Merge {merge.pk} was undone already.")
    if merge.status != _Status.DONE:
        raise CannotUndo(f"Merge {merge.pk} was not carried out, so there is nothing to undo.")
    if merge.survivor_before is None or survivor is None or loser is None:
        raise CannotUndo(
            f"Merge {merge.pk} moved nothing: the two had become one contact by another merge."
        )
    if loser.merged_into_id != survivor.pk:
        raise CannotUndo(f"Merge {merge.pk} does not hold any more.")
    if survivor.merged_into_id is not None:
        done = ContactMerge.objects.filter(loser=survivor, status=_Status.DONE)
        later = done.exclude(survivor_before=None).order_by("-finished_at").first()
        first = f" Undo merge {later.pk} first." if later else ""
        raise CannotUndo(
            f"The survivor of merge {merge.pk} has become part of another contact since.{first}"
        )
    return Undoing(merge, survivor, loser)


def _plan(undoing: Undoing) -> Plan:
    survivor, loser = undoing.survivor, undoing.loser
    mine, left = _survivor_fields(undoing.merge, survivor)
    email = mine.get("email", survivor.email)
    theirs: dict[str, Any] = {}
    if loser.email and (
        (email and are_one_mailbox(email, loser.email)) or _is_taken(loser.email, besides=survivor)
    ):
        theirs["email"] = ""
        left.append(Left("email", TAKEN))
    told, missing = _returning(undoing).count()
    for part in _parts:
        more = part.count(undoing)
        told |= more.restored
        missing += more.left
    return Plan(mine, theirs, told, left + missing)


def _returning(undoing: Undoing) -> Returning:
    # Emails that went to the address of the merged contact are its own.
    return Returning(undoing.merge, undoing.survivor, undoing.loser, undoing.loser.email_key)


def _survivor_fields(merge: ContactMerge, survivor: Contact) -> tuple[dict[str, Any], list[Left]]:
    """What the survivor's fields become, and which stay although the merge gave them."""
    before, after, since = _given(merge, survivor)
    current = texts_of(fields_of(survivor))
    fields: dict[str, Any] = {}
    left: list[Left] = []
    for name in FIELDS:
        if name not in after:
            continue
        if name in since or current[name] != after[name]:
            left.append(Left(name, CHANGED))
        else:
            fields[name] = from_text(name, before[name])
    if fields.get("email") and _is_taken(fields["email"], besides=survivor):
        fields["email"] = ""
        left.append(Left("email", TAKEN))
    state = fields.get("state", survivor.state)
    if state and not may_have_state(fields.get("country", survivor.country)):
        fields["state"] = ""
        left.append(Left("state", ABROAD))
    return fields, left


def _given(
    merge: ContactMerge, survivor: Contact
) -> tuple[dict[str, str], dict[str, str], set[str]]:
    """What the merge changed about the survivor, as it was and became; what changed since."""
    changes = ContactChange.objects.filter(contact=survivor)
    change = changes.filter(merge=merge, source=ContactChange.Source.MERGE).first()
    if change is not None:
        # What another merge has brought, and its undo has taken away, is as if it never was.
        later = changes.filter(pk__gt=change.pk).exclude(merge__status=_Status.UNDONE)
        return change.before, change.after, _names_in(later)
    # It changed nothing, or is older than the log of changes: then both contacts as they were tell.
    mine, theirs = merge.survivor_before or {}, merge.loser_before or {}
    after = {name: theirs[name] for name in FIELDS if theirs.get(name) and not mine.get(name)}
    if not may_have_state(mine.get("country") or theirs.get("country") or ""):
        after.pop("state", None)
    later = changes.filter(at__gt=merge.finished_at) if merge.finished_at else changes
    return dict.fromkeys(after, ""), after, _names_in(later)


def _names_in(changes: Iterable[ContactChange]) -> set[str]:
    return {name for change in changes for name in change.after}


def _is_taken(email: str, *, besides: Contact) -> bool:
    return Contact.objects.with_email(email).exclude(pk=besides.pk).exists()


@transaction.atomic
def _settle(key: int) -> bool:
    """Give back what an undone merge has left, and return whether there may be more of it."""
    rows = UndoneMerge.objects.select_for_update(of=("self",)).select_related("merge")
    undone = rows.filter(pk=key, is_settled=False).first()
    if undone is None:
        return False
    merge = undone.merge
    live = lock_all_live({merge.survivor_id, merge.loser_id})
    survivor, loser = live.get(merge.survivor_id), live.get(merge.loser_id)
    # Before the rows are looked for: what these transactions have written can be seen then.
    oldest_running, own = transaction_ids()
    is_more = False
    # A user may have merged them again.
    if survivor and loser and survivor != loser:
        moved, is_more = Returning(merge, survivor, loser, loser.email_key).give_back()
        if moved:
            touch(survivor.pk, loser.pk)
    last = undone.settles_at_transaction
    if not is_more:
        # An id that is still to come is of another cluster, from which a dump was restored.
        if last is None or last > own:
            undone.settles_at_transaction = own
        else:
            undone.is_settled = last <= oldest_running
        undone.save(update_fields=["settles_at_transaction", "is_settled"])
    return is_more
