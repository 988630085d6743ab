"""Two records of one person become one.

A request is a row of `ContactMerge`; a worker carries it out. Everything that points at the loser
says by its `ContactKey` what happens to it. The loser stays and resolves to the survivor for ever.
"""

from contextlib import suppress

from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.forms.models import model_to_dict
from django.utils import timezone

from contacts import tasks
from contacts.emails import are_one_mailbox
from contacts.fields import ContactKey, OnMerge
from contacts.models import Contact, ContactMerge
from contacts.resolving import get_live_contact

PERSONAL_FIELDS = (
    "email",
    "first_name",
    "middle_name",
    "last_name",
    "birthday",
    "mobile_phone",
    "business_phone",
    "company_name",
    "job_title",
    "address1",
    "city",
    "zip",
    "country",
    "state",
    "notes",
)


class CannotMerge(Exception):
    """The two contacts cannot be merged; the message says why, for the person who asked."""


def choose_survivor(one: Contact, other: Contact) -> tuple[Contact, Contact]:
    """Order two contacts as (survivor, loser): the one with an email survives, else the older."""
    survivor, loser = sorted((one, other), key=lambda contact: (not contact.email, contact.pk))
    return survivor, loser


def have_different_emails(one: Contact, other: Contact) -> bool:
    """Whether both contacts have emails, of two mailboxes."""
    return bool(one.email and other.email) and not are_one_mailbox(one.email, other.email)


def preview_merge(survivor: Contact, loser: Contact) -> dict[str, object]:
    """The fields the survivor would have: its own, and the loser's where it has none."""
    fields = {
        name: getattr(survivor, name) or getattr(loser, name) or getattr(survivor, name)
        for name in PERSONAL_FIELDS
    }
    if fields["country"] not in ("", "USA"):
        fields["state"] = ""
    return fields


def count_rows(contact: Contact) -> dict[str, int]:
    """How many rows a merge would move away from `contact`, by what they are called."""
    return {
        str(key.model._meta.verbose_name_plural): count
        for key in _moving_keys()
        if (count := key.model._default_manager.filter(**{key.name: contact}).count())
    }


def request_merge(
    *,
    survivor: Contact,
    loser: Contact,
    reason: ContactMerge.Reason,
    requested_by: User | None = None,
) -> ContactMerge:
    """Ask for `loser` to become part of `survivor`; a worker does it after the commit.

    Two contacts with different emails wait for a person's decision. Asking again for what is
    already asked for returns that request.

    :raises CannotMerge: if the two are one contact
    """
    survivor, loser = get_live_contact(survivor.pk), get_live_contact(loser.pk)
    if survivor.pk == loser.pk:
        raise CannotMerge("These are the same contact already.")
    status = ContactMerge.Status.PENDING
    if have_different_emails(survivor, loser):
        status = ContactMerge.Status.REVIEW
    try:
        with transaction.atomic():
            merge = ContactMerge.objects.create(
                survivor=survivor,
                loser=loser,
                reason=reason,
                status=status,
                requested_by=requested_by,
            )
    except IntegrityError:  # one_open_merge_per_pair
        merge = ContactMerge.objects.open().filter(survivor=survivor, loser=loser).first()
        if merge is None:  # it was carried out just now
            raise CannotMerge("These are the same contact already.") from None
    if merge.status == ContactMerge.Status.REVIEW and status == ContactMerge.Status.PENDING:
        merge.status = status  # one of them has lost its email: nothing is left to decide
        merge.save(update_fields=["status"])
    if merge.status == ContactMerge.Status.PENDING:
        tasks.carry_out_merge.delay_on_commit(merge_id=merge.pk)
    return merge


def approve_merge(merge: ContactMerge, *, by: User) -> None:
    """Let two contacts with different emails become one; the survivor's email stays.

    :raises CannotMerge: if nobody is waiting for this decision any more
    """
    _decide(merge, ContactMerge.Status.PENDING, by)
    tasks.carry_out_merge.delay_on_commit(merge_id=merge.pk)


def dismiss_merge(merge: ContactMerge, *, by: User) -> None:
    """Keep two contacts apart.

    :raises CannotMerge: if nobody is waiting for this decision any more
    """
    _decide(merge, ContactMerge.Status.DISMISSED, by)


def _decide(merge: ContactMerge, status: ContactMerge.Status, by: User) -> None:
    finished_at = timezone.now() if status == ContactMerge.Status.DISMISSED else None
    waiting = ContactMerge.objects.filter(pk=merge.pk, status=ContactMerge.Status.REVIEW)
    if not waiting.update(status=status, decided_by=by, finished_at=finished_at):
        raise CannotMerge("This merge needs no decision any more.")
    merge.refresh_from_db()


def carry_out_merge(merge_id: int) -> Contact | None:
    """Do a pending merge, and return the survivor; None if there was nothing left to do."""
    with transaction.atomic():
        merge = (
            ContactMerge.objects.select_for_update(of=("self",))
            .filter(pk=merge_id, status=ContactMerge.Status.PENDING)
            .first()
        )
        if merge is None:
            return None
        survivor, loser = lock_live(merge.survivor_id, merge.loser_id)
        if survivor.pk == loser.pk:
            _finish(merge, ContactMerge.Status.DONE, "They had become one contact before.")
            return survivor
        if have_different_emails(survivor, loser) and merge.decided_by_id is None:
            _finish(merge, ContactMerge.Status.REVIEW, "")
            return None
        merge.survivor, merge.loser = survivor, loser
        _merge(merge)
    return survivor


def settle_merges() -> int:
    """Move what was still added to losers while they were being merged; return how many are done.

    Whoever writes about a contact takes its transaction id first and resolves the contact second
    (see `activities.recording`). So who missed a merge has an id from before the merge's end. The
    first call after that end takes an id itself; once every transaction below that one is over, no
    more rows can arrive for the loser.
    """
    unsettled = ContactMerge.objects.filter(status=ContactMerge.Status.DONE, is_settled=False)
    oldest_running = _ask_for_number("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    settled = 0
    for merge in unsettled.filter(settles_at_transaction__lte=oldest_running).order_by("pk"):
        with suppress(Contact.DoesNotExist), transaction.atomic():  # erased in the meantime
            survivor, _ = lock_live(merge.loser_id, merge.survivor_id)
            _move_rows(survivor, merge.loser)
            settled += ContactMerge.objects.filter(pk=merge.pk).update(is_settled=True)
    ended = list(unsettled.filter(settles_at_transaction=None).values_list("pk", flat=True))
    if ended:
        horizon = _ask_for_number("SELECT pg_current_xact_id()::text::bigint")
        ContactMerge.objects.filter(pk__in=ended).update(settles_at_transaction=horizon)
    return settled


def lock_live(*contact_ids: int) -> list[Contact]:
    """Lock the live contacts that these are today, and return them in the order of the ids.

    Call it inside a transaction. Until that ends, no merge changes who these contacts are.

    :raises Contact.DoesNotExist: if one of them was erased
    """
    while True:
        savepoint = transaction.savepoint()
        found = [get_live_contact(contact_id) for contact_id in contact_ids]
        locked = Contact.objects.locked().in_bulk([contact.pk for contact in found])
        live = [contact for contact in locked.values() if contact.merged_into_id is None]
        if set(live) == set(found):
            transaction.savepoint_commit(savepoint)
            return [locked[contact.pk] for contact in found]
        # Somebody merged or erased one of them while we waited. Let go before looking again: to
        # hold on to one while waiting for another that comes before it could wait for ever.
        transaction.savepoint_rollback(savepoint)


def _merge(merge: ContactMerge) -> None:
    survivor, loser = merge.survivor, merge.loser
    merge.survivor_before, merge.loser_before = _snapshot(survivor), _snapshot(loser)
    fields = preview_merge(survivor, loser)
    # First the loser leaves the live contacts: an email may belong to one of those only.
    loser.merged_into = survivor
    loser.save(update_fields=["merged_into"])
    for name, value in fields.items():
        setattr(survivor, name, value)
    survivor.save(update_fields=PERSONAL_FIELDS)
    merge.moved = _move_rows(survivor, loser)
    _finish(merge, ContactMerge.Status.DONE, merge.detail)


def _finish(merge: ContactMerge, status: ContactMerge.Status, detail: str) -> None:
    merge.status, merge.detail = status, detail
    merge.finished_at = timezone.now() if status == ContactMerge.Status.DONE else None
    merge.save()


def _snapshot(contact: Contact) -> dict[str, object]:
    return {
        "guid": str(contact.guid),
        **{name: value for name, value in model_to_dict(contact, PERSONAL_FIELDS).items() if value},
    }


def _moving_keys() -> list[ContactKey]:
    return [
        field
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, ContactKey) and field.on_merge == OnMerge.MOVE
    ]


def _move_rows(survivor: Contact, loser: Contact) -> dict[str, int]:
    moved = {}
    for key in _moving_keys():
        rows = key.model._default_manager.filter(**{key.name: loser})
        if count := rows.update(**{key.name: survivor}):
            moved[str(key.model._meta.verbose_name_plural)] = count
    return moved


def _ask_for_number(question: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]
