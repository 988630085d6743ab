"""What is done about an open request, from the check of the identity to its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from contacts.models import Contact
from privacy.access.asking import make_access_file
from privacy.models import AccessFile, PersonRequest, RequestEvent
from privacy.models.requests import written
from privacy.requests.due import MOST_MONTHS_MORE, due_after, months_after, today
from privacy.requests.people import CannotDo, contact_with, live_contact_of
from privacy.requests.receiving import check_received, note

Event, Identity, Kind, Status = (
    RequestEvent.Kind,
    PersonRequest.Identity,
    PersonRequest.Kind,
    PersonRequest.Status,
)
IS_OVER = "Another user has ended this request meanwhile."
ERASED = "This person was erased meanwhile. Nothing is left that this could be done with."
# An objection to direct marketing is respected without: nobody gains anything by a false one.
NEEDS_IDENTITY = (Kind.ACCESS, Kind.PORTABILITY, Kind.ERASURE)
GIVES_A_FILE = {Kind.ACCESS: AccessFile.Kind.ACCESS, Kind.PORTABILITY: AccessFile.Kind.PORTABILITY}


@contextmanager
def open_request(request_id: int) -> Iterator[PersonRequest]:
    """An open request, locked in a transaction; what is changed in it is saved at the end.

    :raises CannotDo: if it has ended
    """
    with transaction.atomic():
        rows = PersonRequest.objects.select_for_update(no_key=True, of=("self",))
        row = rows.get(pk=request_id)
        if not row.is_open:
            raise CannotDo(IS_OVER)
        yield row
        row.save()


def confirm_identity(request_id: int, proof: str, text: str, *, by: User) -> None:
    """Note how a user has made sure that the request comes from the person themselves.

    :raises CannotDo: if it has ended, was checked already, or the note that is needed is missing
    """
    if proof == PersonRequest.Proof.OTHER and not text.strip():
        raise CannotDo("Write how it was checked.", "text")
    with open_request(request_id) as row:
        if row.identity == Identity.CHECKED:
            raise CannotDo("Another user has checked the identity meanwhile.")
        row.identity, row.identity_proof, row.identity_note = Identity.CHECKED, proof, text
        row.identity_at, row.identity_by = timezone.now(), by
        says = f"Identity checked: {PersonRequest.Proof(proof).label.lower()}."
        note(row, Event.IDENTITY, says, by, text)


def doubt_identity(request_id: int, text: str, *, by: User) -> None:
    """Note that the person could not show who they are; they may still do so.

    :raises CannotDo: if it has ended, or the identity was checked
    """
    with open_request(request_id) as row:
        if row.identity == Identity.CHECKED:
            raise CannotDo("Another user has checked the identity meanwhile.")
        row.identity, row.identity_proof, row.identity_note = Identity.REFUSED, "", text
        row.identity_at, row.identity_by = timezone.now(), by
        note(row, Event.IDENTITY, "The identity could not be confirmed.", by, text)


def extend(request_id: int, months: int, ground: str, told_on: date, *, by: User) -> None:
    """Give the answer so many months more, of which the person was told on a day.

    :raises CannotDo: if that is not lawful, or it was extended already
    """
    if not 1 <= months <= MOST_MONTHS_MORE:
        raise CannotDo("A request is extended by one or two months.", "months")
    if told_on > today():
        raise CannotDo("Tell the person first, then extend: this day is still to come.", "told_on")
    with open_request(request_id) as row:
        if row.extended_months:
            raise CannotDo("This request was extended already, and that is possible once.")
        first = row.first_due_on
        if not row.received_on <= told_on <= first:
            raise CannotDo(
                "The person has to be told within the first month: from "
                f"{written(row.received_on)} to {written(first)}. Later, it cannot be extended.",
                "told_on",
            )
        row.extended_months, row.extension_ground, row.told_on = months, ground, told_on
        until = written(due_after(row.received_on, months))
        why = PersonRequest.ExtensionGround(ground).label.lower()
        says = f"Extended until {until}, because {_of_sentence(why)}. The person was told on "
        note(row, Event.EXTENDED, f"{says}{written(told_on)}.", by)


def correct(request_id: int, received_on: date, way: str, *, by: User) -> None:
    """Mend the day of the receipt, and how the request came.

    :raises CannotDo: if it cannot have come then, or an extension would have come too late
    """
    check_received(received_on)
    with open_request(request_id) as row:
        if (row.received_on, row.way) == (received_on, way):
            return
        if row.told_on and not received_on <= row.told_on <= months_after(received_on, 1):
            raise CannotDo(
                f"The person was told of the extension on {written(row.told_on)}. That has to be "
                "within a month of the receipt.",
                "received_on",
            )
        before, row.received_on, row.way = row.received_on, received_on, way
        says = f"Corrected: received on {written(received_on)}, {row.get_way_display().lower()}"
        note(row, Event.CORRECTED, f"{says}, and not on {written(before)}.", by)


def write_note(request_id: int, text: str, *, by: User) -> None:
    """Keep what a user notes about the request; also after its end, while it names the person.

    :raises CannotDo: if it names nobody any more
    """
    with transaction.atomic():
        row = PersonRequest.objects.select_for_update(no_key=True, of=("self",)).get(pk=request_id)
        if row.contact_id is None and not row.email:
            raise CannotDo("This request names nobody any more, and so it gets no notes.")
        note(row, Event.NOTE, "A note.", by, text)


def make_file(request_id: int, *, by: User) -> AccessFile:
    """Have a worker make the file that the person asks for.

    :raises CannotDo: if the identity was not checked, or there is nobody to make it of
    """
    with transaction.atomic():
        # As everywhere, the contact is locked before its request.
        contact = live_contact_of(PersonRequest.objects.get(pk=request_id))
        with open_request(request_id) as row:
            if row.kind not in GIVES_A_FILE:
                raise CannotDo("Only a request for access or portability is answered by a file.")
            if contact is None:
                raise CannotDo(ERASED)
            _check_identity(row)
            try:
                file = make_access_file(contact, GIVES_A_FILE[Kind(row.kind)], by)
            except Contact.DoesNotExist:
                raise CannotDo(ERASED) from None
            if row.access_file_id != file.pk:
                row.access_file_id = file.pk
                note(row, Event.FILE, "Asked for the file with the data of the person.", by)
            return file


def file_of(request: PersonRequest) -> AccessFile | None:
    """The file that answers a request, if one was asked for and the person is there."""
    if request.access_file_id is None:
        return None
    return AccessFile.objects.filter(pk=request.access_file_id).first()


def finish(request_id: int, *, by: User) -> None:
    """End a request for a file: the person has got it.

    :raises CannotDo: if the identity was not checked, or no file was made
    """
    with open_request(request_id) as row:
        if row.kind not in GIVES_A_FILE:
            raise CannotDo("This request ends by what it asks for.")
        _check_identity(row)
        file = file_of(row)
        if file is None or file.status not in (AccessFile.Status.READY, AccessFile.Status.DELETED):
            raise CannotDo("Make the file first, and hand it over.")
        end(row, Status.DONE, "Done: the person has got the file.", by)


def refuse(request_id: int, ground: str, text: str, *, by: User) -> None:
    """Refuse what the person asks for.

    :raises CannotDo: if it has ended, or its erasure has begun
    """
    with open_request(request_id) as row:
        _check_not_erasing(row)
        row.refusal_ground = ground
        why = PersonRequest.RefusalGround(ground).label
        end(row, Status.REFUSED, f"Refused. {why}.", by, text)


def withdraw(request_id: int, text: str, *, by: User) -> None:
    """End a request that the person has taken back.

    :raises CannotDo: if it has ended, or its erasure has begun
    """
    with open_request(request_id) as row:
        _check_not_erasing(row)
        end(row, Status.WITHDRAWN, "The person has taken the request back.", by, text)


def close_without_data(request_id: int, *, by: User) -> None:
    """End a request of somebody of whom the hub keeps nothing.

    :raises CannotDo: if the hub knows somebody with the email of the request by now
    """
    with open_request(request_id) as row:
        if row.contact_id is not None:
            raise CannotDo("The hub keeps data of this person.")
        if row.email and contact_with(row.email) is not None:
            raise CannotDo("There is a contact with this email by now. Take it for this request.")
        _check_not_erasing(row)
        end(row, Status.NOTHING, "Ended: the hub keeps nothing of this person.", by)


def end(row: PersonRequest, status: str, says: str, by: User | None, text: str = "") -> None:
    """End a locked request. Of somebody unknown, only the keyed hash of the email stays."""
    if row.is_of_unknown:
        row.email = row.notes = row.identity_note = text = ""
        row.events.update(note="")
    row.status, row.ended_at, row.ended_by = status, timezone.now(), by
    note(row, Event.ENDED, says, by, text)


def _check_identity(row: PersonRequest) -> None:
    if row.identity != Identity.CHECKED:
        raise CannotDo("Check first that the request comes from the person themselves.")


def _check_not_erasing(row: PersonRequest) -> None:
    if row.erasure_id is not None:
        raise CannotDo("The erasure has begun, and cannot be taken back. The request ends with it.")


def _of_sentence(text: str) -> str:
    return text[:1].lower() + text[1:]
