"""The erasure that a person asks for: what would go, who says so, and that it was done.

With the setting ERASURE_NEEDS_TWO one user asks for it and another approves.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from activities.erasing import preview_erasure, start_erasure
from contacts.erasures import Erased
from contacts.models import Contact, Erasure
from contacts.records import lock_records
from destinations.leaving import Left, what_left_about
from privacy.certificates import as_names, because, certificate_of_erasure
from privacy.erasure_file import CannotWrite
from privacy.models import Certificate, PersonRequest
from privacy.requests.answering import ERASED, IS_OVER, Event, Identity, Kind, Status, end
from privacy.requests.people import CannotDo, live_contact_of, records_of
from privacy.requests.receiving import note

ONES_OWN = "You have asked for this erasure: another user has to approve."
_BEGAN = "It has begun already."
_MERGED = (
    "This contact was merged with another since you opened the page. Look again at what goes, "
    "then confirm."
)


class MergedMeanwhile(CannotDo):
    """Whom a user has confirmed to erase is not who it was when the page was opened."""


@dataclass(frozen=True)
class Preview:
    """What the erasure of a person would do.

    :ivar deleted: by table, how many rows go
    :ivar cleared: by table, how many rows stay, as another's, and lose the person
    :ivar kept: by table, how many rows stay as proof, without the person
    :ivar told: what has left the hub for each destination, which will be asked to delete it
    """

    deleted: dict[str, int]
    cleared: dict[str, int]
    kept: dict[str, int]
    told: list[Left]

    @property
    def rows(self) -> int:
        """How many rows go."""
        return sum(self.deleted.values())


def preview(contact: Contact) -> Preview:
    """What the erasure of this live contact would do, as it is now."""
    found = preview_erasure(contact.pk)
    told = what_left_about(records_of(contact.pk))
    return Preview(found["deleted"], found["cleared"], found["kept"], told)


def shown_of(contact: Contact) -> str:
    """Which records this live contact is made of now, as the form of an erasure carries it."""
    return _digest(records_of(contact.pk))


def needs_two() -> bool:
    """Whether a second user approves of each erasure."""
    return settings.ERASURE_NEEDS_TWO


def ask_or_erase(request_id: int, ground: str, *, shown: str, by: User) -> bool:
    """Begin the erasure, or ask for it where another user has to approve; return whether it began.

    :param shown: what `shown_of` said of the person when the user saw what goes
    :raises MergedMeanwhile: if it says something else by now
    :raises CannotDo: if it cannot be, such as before the identity was checked
    """
    with _to_erase(request_id, shown) as (row, contact):
        if row.erasure_asked_at is not None:
            who = "You have" if row.erasure_asked_by_id == by.pk else "Another user has"
            raise CannotDo(f"{who} asked for this erasure already.")
        row.erasure_ground = ground
        says = PersonRequest.ErasureGround(ground).label
        if needs_two():
            row.erasure_asked_at, row.erasure_asked_by = timezone.now(), by
            row.save()
            note(row, Event.ERASURE, f"Asked for the erasure. {says}.", by)
            return False
        row.save()
        note(row, Event.ERASURE, f"Began the erasure. {says}.", by)
        _start(row, contact, by)
        return True


def approve(request_id: int, *, shown: str, by: User) -> None:
    """Begin an erasure that another user has asked for.

    :param shown: what `shown_of` said of the person when this user saw what goes
    :raises MergedMeanwhile: if it says something else by now
    :raises CannotDo: if nobody has, or it was the same user
    """
    with _to_erase(request_id, shown) as (row, contact):
        if row.erasure_asked_at is None:
            raise CannotDo("Nobody asks for this erasure any more.")
        if row.erasure_asked_by_id == by.pk:
            raise CannotDo(ONES_OWN)
        row.erasure_approved_by = by
        row.save()
        note(row, Event.ERASURE, "Approved of the erasure, which began.", by)
        _start(row, contact, by)


def take_back(request_id: int, *, by: User) -> None:
    """Ask for the erasure no more, before it has begun.

    :raises CannotDo: if it has begun, or nobody asks for it
    """
    with _to_erase(request_id) as (row, _):
        if row.erasure_asked_at is None:
            raise CannotDo("Nobody asks for this erasure any more.")
        row.erasure_asked_at = row.erasure_asked_by = None
        row.erasure_ground = ""
        row.save()
        note(row, Event.ERASURE, "The erasure is not asked for any more.", by)


def note_begun(erased: Erased, reason: str, by: User | None) -> None:
    """Requests of a person whose erasure has begun name nobody any more, whoever asked for it.

    A request for that erasure goes on to its end. Others stay open until a user has answered them.
    """
    theirs = Q(contact__in=erased.contact_ids)
    # One that came before the hub knew the email, and was connected with nobody.
    theirs |= Q(contact=None, email_key__in=erased.email_keys) & ~Q(email_key="")
    rows = PersonRequest.objects.filter(theirs).order_by("pk")
    for row in rows.select_for_update(no_key=True, of=("self",)):
        row.contact = None
        row.email = row.notes = row.identity_note = ""
        row.events.update(note="")
        if row.is_open and row.kind == Kind.ERASURE and row.identity == Identity.CHECKED:
            row.erasure_id = erased.erasure_id
        elif row.is_open:
            note(row, Event.ERASURE, "The person was erased meanwhile.", by)
        row.save()


def note_done(erased: Erased, reason: str, by: User | None) -> None:
    """A request is done when nothing of the person is left, and the certificate is there."""
    rows = PersonRequest.objects.open().filter(erasure_id=erased.erasure_id).order_by("pk")
    certificate = certificate_of_erasure(erased.erasure_id)
    for row in rows.select_for_update(no_key=True, of=("self",)):
        row.certificate_number = certificate and certificate.number
        end(row, Status.DONE, "Done: nothing of the person is left.", by)
        row.save()


def erasure_of(request: PersonRequest) -> Erasure | None:
    """How far the erasure of a request is."""
    if request.erasure_id is None:
        return None
    return Erasure.objects.filter(pk=request.erasure_id).first()


def erased_before(request: PersonRequest) -> Certificate | None:
    """The certificate of somebody with the same email, whom the hub has erased before."""
    names = as_names([("email", request.person_hash)])
    return Certificate.objects.filter(names__contains=names).order_by("-number").first()


@contextmanager
def _to_erase(request_id: int, shown: str | None = None) -> Iterator[tuple[PersonRequest, Contact]]:
    """A request for an erasure that has not begun, and the person as `shown`, both locked."""
    with transaction.atomic():
        # In the order of an erasure that was asked for elsewhere: contacts before requests.
        records = _lock_records_of(PersonRequest.objects.get(pk=request_id))
        contact = next((one for one in records if one.merged_into_id is None), None)
        rows = PersonRequest.objects.select_for_update(no_key=True, of=("self",))
        row = rows.get(pk=request_id)
        if not row.is_open:
            raise CannotDo(IS_OVER)
        if row.kind != Kind.ERASURE:
            raise CannotDo("This request does not ask for an erasure.")
        if row.erasure_id is not None:
            raise CannotDo(_BEGAN)
        if contact is None or row.contact_id is None:
            raise CannotDo(ERASED)
        if row.identity != Identity.CHECKED:
            raise CannotDo("Check first that the request comes from the person themselves.")
        # Before the lock it would say nothing: a merge may commit until then.
        if shown is not None and shown != _digest(one.pk for one in records):
            raise MergedMeanwhile(_MERGED)
        yield row, contact


def _lock_records_of(request: PersonRequest) -> list[Contact]:
    contact = live_contact_of(request)
    try:
        return lock_records(contact.pk) if contact else []
    except Contact.DoesNotExist:
        return []


def _digest(contact_ids: Iterable[int]) -> str:
    return hashlib.sha256(repr(sorted(contact_ids)).encode()).hexdigest()[:16]


def _start(row: PersonRequest, contact: Contact, by: User) -> None:
    reason = f"{row.get_erasure_ground_display()}. Request {row.pk} of the person"
    try:
        with because(reason):
            start_erasure(contact.pk, reason=Erasure.Reason.REQUEST, by=by)
    except CannotWrite as error:
        raise CannotDo(str(error)) from error
    except Contact.DoesNotExist:
        raise CannotDo(ERASED) from None
