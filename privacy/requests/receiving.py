"""A request of a person comes in: it is registered, or joins the one that is open already."""

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.utils import timezone

from contacts.email_fields import email_key
from contacts.emails import check_email
from contacts.merging import lock_live
from contacts.models import Contact
from privacy.models import PersonRequest, RequestEvent
from privacy.models.requests import written
from privacy.requests.due import FIRST_DAY, due_after, today
from privacy.requests.naming import hash_of_person
from privacy.requests.people import CannotDo, contact_with, records_of

Status = PersonRequest.Status


@dataclass(frozen=True)
class Received:
    """What became of a request that came in: it `is_new`, or joined an earlier one."""

    request: PersonRequest
    is_new: bool


def check_received(day: date) -> None:
    """Make sure that a request can have come on this day.

    :raises CannotDo: if it is still to come, or from before the GDPR
    """
    if day > today():
        raise CannotDo("This day is still to come. Enter the day of the receipt.", "received_on")
    if day < FIRST_DAY:
        raise CannotDo(
            f"Enter a day from {written(FIRST_DAY)} on, when the GDPR began to apply.",
            "received_on",
        )


def receive(
    kind: PersonRequest.Kind | str,
    *,
    contact_id: int | None = None,
    email: str = "",
    way: PersonRequest.Way | str,
    received_on: date,
    notes: str = "",
    by: User | None,
) -> Received:
    """Register a request of a contact, or of somebody with an email whom the hub may not know.

    If a request of the same kind is open for that person, it joins that one: the receipt is noted
    there, and the earliest day of receipt counts.

    :raises CannotDo: if there is no such contact any more, no such email, or no such day
    """
    check_received(received_on)
    if contact_id is None:
        email = _checked(email)
        known = contact_with(email)
        contact_id = known.pk if known else None
    new = PersonRequest(
        kind=kind,
        way=way,
        received_on=received_on,
        notes=notes,
        registered_by=by,
    )
    if contact_id is None:
        new.email = email
    try:
        with transaction.atomic():
            return _register(new, contact_id)
    except IntegrityError:
        # Another user has registered one for the same person just now.
        with transaction.atomic():
            return _register(new, contact_id)


def connect(request: PersonRequest, contact_id: int, *, by: User | None) -> PersonRequest:
    """Say who the unknown person of a request is. If they have one open, that takes this one in.

    Return the request that goes on.

    :raises CannotDo: if it is not about an unknown person any more, or the contact was erased
    """
    with transaction.atomic():
        contact = _live(contact_id)
        row = _locked(PersonRequest.objects.all()).get(pk=request.pk)
        if not row.is_open or not row.is_of_unknown:
            raise CannotDo("Another user has found the person, or ended the request, meanwhile.")
        # Other users do things to that one meanwhile, under its lock alone.
        other = _locked(_open_of(contact, row.kind).exclude(pk=row.pk)).first()
        if other is not None:
            _join(other, row, by)
            row.status, row.ended_at, row.ended_by = Status.JOINED, timezone.now(), by
            row.email = row.notes = ""
            row.save()
            text = f"Joined the request of {written(other.received_on)}, which goes on."
            note(row, RequestEvent.Kind.ENDED, text, by)
            return other
        _name(row, contact)
        row.save()
        note(row, RequestEvent.Kind.CONNECTED, "The person was found among the contacts.", by)
        return row


def note(
    request: PersonRequest, kind: RequestEvent.Kind, says: str, by: User | None, text: str = ""
) -> None:
    """Add to the history of a request what was done."""
    RequestEvent.objects.create(request=request, kind=kind, says=says, note=text, by=by)


def _register(new: PersonRequest, contact_id: int | None) -> Received:
    """Save a request, or join it to the one that is open."""
    if contact_id is None:
        open_ones = PersonRequest.objects.open().filter(
            contact=None, kind=new.kind, email_key=email_key(new.email)
        )
        new.person_hash = hash_of_person(email=new.email)
    else:
        contact = _live(contact_id)
        _name(new, contact)
        open_ones = _open_of(contact, new.kind)
    known = _locked(open_ones).first()
    if known is None:
        new.save(force_insert=True)
        text = f"Received on {written(new.received_on)}, {new.get_way_display().lower()}."
        note(new, RequestEvent.Kind.REGISTERED, text, new.registered_by)
        return Received(new, is_new=True)
    if known.is_of_unknown and new.contact is not None:
        _name(known, new.contact)
        known.save(update_fields=["contact", "email", "email_key", "person_hash"])
    _join(known, new, new.registered_by)
    return Received(known, is_new=False)


def _join(known: PersonRequest, new: PersonRequest, by: User | None) -> None:
    """Note in a locked request that the person has sent it again; the earliest receipt counts."""
    says = f"Received again on {written(new.received_on)}, {new.get_way_display().lower()}."
    is_earlier = new.received_on < known.received_on
    told_late = known.told_on and known.told_on > due_after(new.received_on)
    if is_earlier and not told_late:
        known.received_on = new.received_on
        says += " That is earlier, so the month runs from this day."
        known.save(update_fields=["received_on"])
        known.refresh_from_db(fields=["due_on"])
    note(known, RequestEvent.Kind.AGAIN, says, by, new.notes)


def _locked(rows: QuerySet[PersonRequest]) -> QuerySet[PersonRequest]:
    return rows.select_for_update(no_key=True, of=("self",))


def _name(request: PersonRequest, contact: Contact) -> None:
    request.contact, request.email = contact, ""
    request.person_hash = hash_of_person(email=contact.email, guid=contact.guid)


def _open_of(contact: Contact, kind: str) -> QuerySet[PersonRequest]:
    """The open requests of a kind of the person who is a live contact, the first received first.

    One that came under the email alone, before the hub knew the person, is the last of them.
    """
    same = Q(contact__in=records_of(contact.pk))
    if contact.email:
        same |= Q(contact=None, email_key=email_key(contact.email))
    rows = PersonRequest.objects.open().filter(same, kind=kind)
    is_unknown = ExpressionWrapper(Q(contact=None), output_field=BooleanField())
    return rows.order_by(is_unknown, "received_on", "pk")


def _live(contact_id: int) -> Contact:
    try:
        (contact,) = lock_live(contact_id)
    except Contact.DoesNotExist:
        raise CannotDo("This contact was erased meanwhile. Nothing is kept of them.") from None
    return contact


def _checked(email: str) -> str:
    email = email.strip()
    try:
        check_email(email)
    except ValidationError as error:
        raise CannotDo(" ".join(error.messages), "who") from None
    return email
