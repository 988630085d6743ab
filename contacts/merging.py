"""Two records of one person become one.

A request is a row of `ContactMerge`; a worker carries it out. Everything that points at the loser
says by its `ContactKey` what happens to it. The loser stays and resolves to the survivor for ever.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from contacts.apart import are_kept_apart, pairs_kept_apart
from contacts.changes import Changes, Origin
from contacts.emails import are_one_mailbox
from contacts.models import Contact, ContactChange, ContactMerge
from contacts.moving import columns_of, move_rows, moving_keys, transaction_ids
from contacts.profile import FIELDS, fields_of, fit_state
from contacts.resolving import get_live_contact, live_of
from contacts.touching import touch
from database.lookups import Among
from database.questions import ask
from jobs.tasks import ring
from jobs.working import stopping

_Status = ContactMerge.Status

_LET_LOSERS_GO = """
UPDATE contacts_contact AS contact SET merged_into_id = pair.survivor
FROM unnest(%s::bigint[], %s::bigint[]) AS pair (loser, survivor) WHERE contact.id = pair.loser
"""
_FINISH = """
UPDATE contacts_contactmerge AS merge
SET survivor_id = done.survivor, loser_id = done.loser, status = done.status, detail = done.detail,
    survivor_before = done.survivor_before, loser_before = done.loser_before, moved = done.moved,
    finished_at = CASE WHEN done.status IN ('done', 'dismissed') THEN %s::timestamptz END,
    attempts = 0, last_error = '', due_at = now()
FROM jsonb_to_recordset(%s) AS done (id bigint, survivor bigint, loser bigint, status text,
    detail text, survivor_before jsonb, loser_before jsonb, moved jsonb)
WHERE merge.id = done.id
"""
# Erasing locks merges first, and contacts then: what is locked is left for the user to see.
_CLOSE_REVIEWS = """
UPDATE contacts_contactmerge SET status = 'done', finished_at = now(), detail = %s
WHERE id IN (
    SELECT id FROM contacts_contactmerge
    WHERE status = 'review' AND (survivor_id, loser_id) IN (
        SELECT * FROM unnest(%s::bigint[], %s::bigint[])
        UNION ALL SELECT other, one FROM unnest(%s::bigint[], %s::bigint[]) AS pair (one, other)
    )
    FOR UPDATE SKIP LOCKED
)
"""


class CannotMerge(Exception):
    """The two contacts cannot be merged; the message says why, for the person who asked."""


_KEPT_APART = "A user has decided that these are two people."
_WERE_ONE = "They had become one contact before."


def choose_survivor(one: Contact, other: Contact) -> tuple[Contact, Contact]:
    """Order two contacts as (survivor, loser): the one with an email survives, else the older."""
    survivor, loser = sorted((one, other), key=lambda contact: (not contact.email, contact.pk))
    return survivor, loser


def have_different_emails(one: Contact, other: Contact) -> bool:
    """Whether both contacts have emails, of two mailboxes."""
    return bool(one.email and other.email) and not are_one_mailbox(one.email, other.email)


def preview_merge(
    survivor: Contact, loser: Contact, loser_wins: Collection[str] = ()
) -> dict[str, object]:
    """The fields the survivor would have: its own, and the loser's where it has none.

    :param loser_wins: the fields in which the loser's value wins, if there is one
    """
    fields = {}
    for name in FIELDS:
        first, second = (loser, survivor) if name in loser_wins else (survivor, loser)
        fields[name] = getattr(first, name) or getattr(second, name) or getattr(first, name)
    fit_state(fields, fields["country"])
    return fields


def count_rows(contact: Contact) -> dict[str, int]:
    """How many rows a merge would move away from `contact`, by what they are called."""
    return {
        str(key.model._meta.verbose_name_plural): count
        for key in moving_keys()
        if (count := key.model._default_manager.filter(**{key.name: contact}).count())
    }


def request_merge(
    *,
    survivor: Contact,
    loser: Contact,
    reason: ContactMerge.Reason,
    requested_by: User | None = None,
    decided_by: User | None = None,
    loser_wins: Sequence[str] = (),
) -> ContactMerge:
    """Ask for `loser` to become part of `survivor`; a worker does it after the commit.

    Two contacts with different emails wait for a person's decision, unless the user who asks has
    made it. Asking again for what is already asked for returns that request.

    :param loser_wins: the fields in which the loser's values win
    :raises CannotMerge: if the two are one contact, or a user keeps them apart and no user asks
    """
    survivor, loser = get_live_contact(survivor.pk), get_live_contact(loser.pk)
    if survivor.pk == loser.pk:
        raise CannotMerge("These are the same contact already.")
    if reason != ContactMerge.Reason.MARKETER and are_kept_apart(survivor.pk, loser.pk):
        raise CannotMerge(_KEPT_APART)
    status = _Status.PENDING
    if have_different_emails(survivor, loser) and decided_by is None:
        status = _Status.REVIEW
    asked = {
        "reason": reason,
        "status": status,
        "requested_by": requested_by,
        "decided_by": decided_by,
        "loser_wins": list(loser_wins),
    }
    try:
        with transaction.atomic():
            merge = ContactMerge.objects.create(survivor=survivor, loser=loser, **asked)
    except IntegrityError:  # one_open_merge_per_pair
        waiting = ContactMerge.objects.open().filter(survivor=survivor, loser=loser)
        if requested_by is not None:
            waiting.update(**asked)
        elif status == _Status.PENDING:
            # One of them has lost its email: nothing is left to decide.
            waiting.update(status=status)
        merge = waiting.first()
        if merge is None:  # it was carried out just now
            raise CannotMerge("These are the same contact already.") from None
    if merge.status == _Status.PENDING:
        ring("merges")
    return merge


def request_merges(
    pairs: Collection[tuple[int, int]], reason: ContactMerge.Reason
) -> dict[int, int]:
    """Ask for the second contact of each pair to become part of the first; return requests' keys.

    They are by the id of the loser, which is live, locked and without an email, so that nothing is
    left to decide. Where the first has become the second meanwhile, or was erased, there is no
    request. The caller sees to it that no user keeps the two apart (`contacts.apart`).
    """
    (live,) = ask(live_of({survivor_id for survivor_id, _ in pairs}))
    survivors = {
        loser_id: live[survivor_id]
        for survivor_id, loser_id in pairs
        if live.get(survivor_id, loser_id) != loser_id
    }
    if not survivors:
        return {}
    # In one order everywhere, so that two callers cannot wait for each other.
    ContactMerge.objects.bulk_create(
        [
            ContactMerge(survivor_id=survivors[loser_id], loser_id=loser_id, reason=reason)
            for loser_id in sorted(survivors)
        ],
        ignore_conflicts=True,  # one_open_merge_per_pair
    )
    open_merges = ContactMerge.objects.open().filter(Among("loser", survivors))
    requests = [one for one in open_merges if one.survivor_id == survivors[one.loser_id]]
    # One of them has lost its email since it was asked for.
    decided = [one.pk for one in requests if one.status == _Status.REVIEW]
    if decided:
        ContactMerge.objects.filter(pk__in=decided).update(status=_Status.PENDING)
    ring("merges")
    return {one.loser_id: one.pk for one in requests}


def approve_merge(merge: ContactMerge, *, by: User) -> None:
    """Let two contacts with different emails become one; the survivor's email stays.

    :raises CannotMerge: if nobody is waiting for this decision any more
    """
    _decide(merge, _Status.PENDING, by)
    ring("merges")


def dismiss_merge(merge: ContactMerge, *, by: User) -> None:
    """Keep two contacts apart.

    :raises CannotMerge: if nobody is waiting for this decision any more
    """
    _decide(merge, _Status.DISMISSED, by)


def _decide(merge: ContactMerge, status: ContactMerge.Status, by: User) -> None:
    finished_at = timezone.now() if status == _Status.DISMISSED else None
    waiting = ContactMerge.objects.filter(pk=merge.pk, status=_Status.REVIEW)
    if not waiting.update(status=status, decided_by=by, finished_at=finished_at):
        raise CannotMerge("This merge needs no decision any more.")
    merge.refresh_from_db()


def carry_out_merges(keys: Collection[int]) -> None:
    """Do these merges, as far as they are pending.

    Those that share a contact are done one after the other, in the order in which they were asked
    for; all others together. A worker that is told to end leaves the rest of them pending.
    """
    waiting = list(keys)
    while waiting and not stopping.is_set():
        waiting = _carry_out_round(waiting)


def settle_merges(keys: Collection[int]) -> None:
    """Move what these merges, which are done, have left at their losers.

    That is what was too much for one transaction, and what was added while they were done: a
    writer of rows about a contact takes its transaction id first and resolves the contact second
    (see `activities.recording`). So a writer that missed a merge has an id from before the merge's
    end. The first call after that end takes an id itself; once every transaction below that one is
    over, no more rows can arrive for the loser.
    """
    while _settle_round(keys) and not stopping.is_set():
        pass


def lock_live(*contact_ids: int) -> list[Contact]:
    """Lock the live contacts that these are today, and return them in the order of the ids.

    Call it inside a transaction. Until that ends, no merge changes who these contacts are.

    :raises Contact.DoesNotExist: if one of them was erased
    """
    live = lock_all_live(contact_ids)
    if missing := [contact_id for contact_id in contact_ids if contact_id not in live]:
        raise Contact.DoesNotExist(f"Erased: {missing}")
    return [live[contact_id] for contact_id in contact_ids]


def lock_all_live(contact_ids: Collection[int]) -> dict[int, Contact]:
    """Lock the live contacts that these have become; those that were erased are left out.

    Call it inside a transaction, as `lock_live`.
    """
    while True:
        savepoint = transaction.savepoint()
        (live,) = ask(live_of(contact_ids))
        contacts = Contact.objects.locked().filter(Among("pk", set(live.values())))
        locked = {contact.pk: contact for contact in contacts}
        if all(
            contact_id in locked and locked[contact_id].merged_into_id is None
            for contact_id in live.values()
        ):
            transaction.savepoint_commit(savepoint)
            return {asked: locked[contact_id] for asked, contact_id in live.items()}
        # Another transaction merged or erased one of them while we waited. Let go before looking
        # again: to hold one while waiting for another that comes before it could wait for ever.
        transaction.savepoint_rollback(savepoint)


@transaction.atomic
def _carry_out_round(keys: Sequence[int]) -> list[int]:
    """Do those of these merges that have no contact in common; return the others."""
    rows = ContactMerge.objects.select_for_update(of=("self",)).order_by("pk")
    pending = list(rows.filter(Among("pk", keys), status=_Status.PENDING))
    live = lock_all_live({one for merge in pending for one in (merge.survivor_id, merge.loser_id)})
    apart = _apart_by_themselves(pending, live)
    taken: set[int] = set()
    chosen, others = [], []
    for merge in pending:
        survivor, loser = live[merge.survivor_id], live[merge.loser_id]
        pair = {survivor.pk, loser.pk}
        if pair & taken:
            others.append(merge.pk)
        elif len(pair) == 1:
            merge.status, merge.detail = _Status.DONE, _WERE_ONE
        elif merge.pk in apart:
            merge.status, merge.detail = _Status.DISMISSED, _KEPT_APART
        elif have_different_emails(survivor, loser) and merge.decided_by_id is None:
            merge.status, merge.detail = _Status.REVIEW, ""
        else:
            taken |= pair
            merge.survivor, merge.loser = survivor, loser
            chosen.append(merge)
    _merge(chosen)
    _write_outcomes([merge for merge in pending if merge.pk not in others])
    return others


def _apart_by_themselves(
    merges: Iterable[ContactMerge], live: Mapping[int, Contact]
) -> Collection[int]:
    """Those of these merges that no user has asked for, of contacts that a user keeps apart."""
    asked = [
        (merge.pk, frozenset((live[merge.survivor_id].pk, live[merge.loser_id].pk)))
        for merge in merges
        if merge.reason != ContactMerge.Reason.MARKETER and merge.decided_by_id is None
    ]
    apart = pairs_kept_apart({one for _, pair in asked for one in pair})
    return {key for key, pair in asked if pair in apart}


def _merge(merges: Sequence[ContactMerge]) -> None:
    for merge in merges:
        merge.status = _Status.DONE
        merge.survivor_before = _snapshot(merge.survivor)
        merge.loser_before = _snapshot(merge.loser)
    # First the losers leave the live contacts: an email may belong to one of those only.
    with connection.cursor() as cursor:
        cursor.execute(_LET_LOSERS_GO, columns_of(merges))
        cursor.execute(_CLOSE_REVIEWS, [_WERE_ONE, *columns_of(merges), *columns_of(merges)])
    changes = Changes()
    for merge in merges:
        origin = Origin(ContactChange.Source.MERGE, merge=merge)
        fields = preview_merge(merge.survivor, merge.loser, merge.loser_wins)
        changes.add(merge.survivor, fields, origin)
    changes.write()
    move_rows(merges)


@transaction.atomic
def _settle_round(keys: Collection[int]) -> bool:
    """Move what is at the losers of these merges, and return whether there may be more of it."""
    rows = ContactMerge.objects.select_for_update(of=("self",)).order_by("pk")
    merges = list(rows.filter(Among("pk", keys), status=_Status.DONE, is_settled=False))
    live = lock_all_live({merge.loser_id for merge in merges})
    # Before the rows are looked for: what these transactions have written can be seen then.
    oldest_running, own = transaction_ids()
    before = {merge.pk: dict(merge.moved) for merge in merges}
    settled, ended = [], []
    for merge in merges:
        merge.survivor = live[merge.loser_id]  # today's
        last = merge.settles_at_transaction
        # An id that is still to come is of another cluster, from which a dump was restored.
        if last is None or last > own:
            ended.append(merge.pk)
        elif last <= oldest_running:
            settled.append(merge.pk)
    is_more = move_rows([merge for merge in merges if merge.loser_id != merge.survivor.pk])
    if moved := [merge for merge in merges if merge.moved != before[merge.pk]]:
        touch(*{one for merge in moved for one in (merge.loser_id, merge.survivor.pk)})
        _write_counts(moved)
    if not is_more:
        ContactMerge.objects.filter(pk__in=settled).update(is_settled=True)
        ContactMerge.objects.filter(pk__in=ended).update(settles_at_transaction=own)
    return is_more


def _write_outcomes(merges: Sequence[ContactMerge]) -> None:
    rows = [
        {
            "id": merge.pk,
            "survivor": merge.survivor_id,
            "loser": merge.loser_id,
            "status": merge.status,
            "detail": merge.detail,
            "survivor_before": merge.survivor_before,
            "loser_before": merge.loser_before,
            "moved": merge.moved,
        }
        for merge in merges
    ]
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, [timezone.now(), json.dumps(rows, cls=DjangoJSONEncoder)])


def _write_counts(merges: Iterable[ContactMerge]) -> None:
    for merge in merges:
        ContactMerge.objects.filter(pk=merge.pk).update(moved=merge.moved)


def _snapshot(contact: Contact) -> dict[str, object]:
    values = {name: value for name, value in fields_of(contact).items() if value}
    return {"guid": str(contact.guid), **values}
