"""Data input: what contacts say about themselves becomes their fields, in the order it came."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from activities.models import Activity, DataInput
from contacts.merging import carry_out_merge, lock_live, request_merge
from contacts.models import Contact, ContactMerge

logger = logging.getLogger(__name__)

# Any number will do, as long as nothing else in this database locks by it.
_SWEEP_LOCK = 7_246_801


def apply_data_inputs(contact_id: int) -> None:
    """Apply everything that waits for this contact, oldest first.

    The rules: an email, once known, is never changed by data input. Fields that come with a
    different email go to the contact who has that one, or to a new contact. A contact without an
    email who gives the email of another is merged with that one first.
    """
    contact_ids = [contact_id]
    while contact_ids:
        contact_ids.extend(_apply_next(contact_ids.pop()))


def sweep_data_inputs() -> int:
    """Apply what still waits because a message was lost; return for how many contacts."""
    with _only_one_sweep() as alone:
        if not alone:
            return 0
        waiting = DataInput.objects.filter(outcome=DataInput.Outcome.PENDING)
        contact_ids = list(waiting.order_by("contact_id").values_list("contact_id").distinct())
        for (contact_id,) in contact_ids:
            try:
                apply_data_inputs(contact_id)
            except Exception:  # one contact's failure must not hold up the others'; tried again
                logger.exception("Data input of contact %s failed and stays pending.", contact_id)
    return len(contact_ids)


def _apply_next(contact_id: int) -> list[int]:
    """Deal with the oldest data input that waits; return the contacts for whom more may wait."""
    for attempts_left in (2, 1, 0):
        try:
            return _deal_with_next(contact_id)
        except Contact.DoesNotExist:  # erased, and so is what waited
            return []
        except IntegrityError:  # one_live_contact_per_email: somebody else got it just now
            if not attempts_left:
                raise
    return []


def _deal_with_next(contact_id: int) -> list[int]:
    with transaction.atomic():
        (contact,) = lock_live(contact_id)
        if contact.pk != contact_id:
            _bring_along(contact_id, contact)
        data_input = (
            contact.data_inputs.filter(outcome=DataInput.Outcome.PENDING)
            .order_by("activity_id")
            .first()
        )
        if data_input is None:
            return []
        email = data_input.fields.get("email")
        owner = Contact.objects.with_email(email).first() if email else None
        if not email or owner == contact or not (owner or contact.email):
            _fill(contact, data_input)
            return [contact.pk]
        if contact.email:
            owner = owner or Contact.objects.create(email=email)
            _redirect(data_input, owner)
            return [contact.pk, owner.pk]
        assert owner is not None
        merge = request_merge(survivor=owner, loser=contact, reason=ContactMerge.Reason.SAME_EMAIL)
    carry_out_merge(merge.pk)
    return [contact.pk]


def _bring_along(merged_id: int, survivor: Contact) -> None:
    """Give the survivor what was recorded for a contact while that was being merged."""
    left_behind = DataInput.objects.filter(contact_id=merged_id)
    Activity.objects.filter(data_input__in=left_behind).update(contact=survivor)
    left_behind.update(contact=survivor)


def _redirect(data_input: DataInput, owner: Contact) -> None:
    Activity.objects.filter(pk=data_input.activity_id).update(contact=owner)
    data_input.sent_by, data_input.contact = data_input.contact, owner
    data_input.save(update_fields=["sent_by", "contact"])


def _fill(contact: Contact, data_input: DataInput) -> None:
    fields = dict(data_input.fields)
    if contact.email:
        fields.pop("email", None)  # it is theirs, perhaps in another spelling
    if fields.get("state") and fields.get("country", contact.country) not in ("", "USA"):
        data_input.detail = (
            f"The state {fields.pop('state')} was left out: the contact is not in the USA."
        )
    if fields.get("country", "USA") != "USA":
        fields["state"] = ""
    for name, value in fields.items():
        setattr(contact, name, date.fromisoformat(value) if name == "birthday" else value)
    contact.save(update_fields=fields)
    data_input.outcome = (
        DataInput.Outcome.REDIRECTED if data_input.sent_by_id else DataInput.Outcome.APPLIED
    )
    data_input.applied_at = timezone.now()
    data_input.save(update_fields=["outcome", "applied_at", "detail"])


@contextmanager
def _only_one_sweep() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_SWEEP_LOCK])
        alone = cursor.fetchone()[0]
        try:
            yield alone
        finally:
            if alone:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_SWEEP_LOCK])
