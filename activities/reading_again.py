"""Lines of the inspector as activities again: what their doors make of what was kept.

Each door that can do so has a `read_again`. What it makes is recorded as everything is, with the
time, the channel, the request id and the contact of then. Whether the contact may be tracked is
asked as of now, also where the caller had asked by itself: nobody is there any more who would.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from django.db.models import Q
from msgspec import structs

from activities.contact_fields import WIRE_NAMES
from activities.drafts import Draft
from activities.inspector import CUT
from activities.problems import InvalidActivity, Status
from activities.rejections import RejectedActivity
from activities.submissions import Source, Submission
from consents.permission import Asks
from contacts.guids import parse_guid
from contacts.models import Contact, ContactChange
from database.letter_case import fold
from web.doors import door_named

_Replayed = RejectedActivity.Replayed
# Makes the ids by which activities without one count once, of their line and their place in it.
_IDS_OF_LINES = UUID("c5f0d9c1-6b0e-4f83-9b39-5a7d1f0f6a1e")
# Nothing would be different: these say what was done, or left out, on purpose or for good.
FINAL_CODES = ("more_rejections", "repeated", "recorded", "failed")
_STATUSES = (Status.INVALID_REJECTED, Status.FAILED)


class CannotReplay(Exception):
    """A line cannot be recorded again, whatever the hub's rules say now."""


class Again(msgspec.Struct, kw_only=True):
    """One activity of a line, as its door reads it.

    `contact_guid` is None if a contact is made for it when it is recorded. `asks` and `names_types`
    are those of a `Source`.
    """

    draft: Draft
    contact_guid: UUID | None
    asks: Asks = Asks.NO_REVOCATION
    names_types: str | None = None


def can_be_replayed() -> Q:
    """The condition that a line can be recorded again, or that it could be tried."""
    return Q(
        status__in=_STATUSES,
        channel__isnull=False,
        context__isnull=False,
        replayed__in=[_Replayed.NOT, _Replayed.FAILED],
    ) & ~(Q(code__in=FINAL_CODES) | Q(context__has_key=CUT))


def why_not(line: RejectedActivity) -> str:
    """Why this line cannot be recorded again; "" if that can be tried."""
    if line.replayed in RejectedActivity.LET_IN:
        return "It was replayed, and is recorded: a line is replayed once."
    if line.status not in _STATUSES:
        return "Nothing is to be recorded: it was recorded, or left out on purpose."
    if line.code in FINAL_CODES:
        return "There is nothing in it to record."
    if line.channel is None:
        return "It came without a valid key, so nobody can say whose it is."
    if line.context is None:
        return "Only single activities of senders with a valid key can be read again."
    if line.context.get(CUT):
        kept = f"{len(line.payload):,} of {line.payload_length:,} bytes"
        return f"Only {kept} were kept. Its sender has to send it again."
    door = door_named(line.door)
    if door is None or door.read_again is None:
        return "Its format cannot be read again."
    return ""


def read_line(line: RejectedActivity, *, is_dry: bool) -> list[Again]:
    """The activities of a line, as they are to be recorded; if `is_dry`, no contact is made.

    :raises CannotReplay: if it cannot be read again
    :raises InvalidActivity: if it is refused before anything is checked
    """
    if reason := why_not(line):
        raise CannotReplay(reason)
    door = door_named(line.door)
    assert door is not None
    assert door.read_again is not None
    found = door.read_again(line, is_dry=is_dry)
    return [structs.replace(one, draft=_without_outdated(one, line.at)) for one in found]


def submissions_of(line: RejectedActivity, found: Sequence[Again]) -> list[Submission]:
    """What is submitted of a line, one activity each."""
    context = line.context or {}
    assert line.channel is not None
    made = []
    for place, one in enumerate(found):
        source = Source(
            door=line.door,
            channel=line.channel,
            request_id=line.request_id,
            tracked_site_id=context.get("site"),
            names_types=one.names_types,
            asks=one.asks,
        )
        submission = Submission(
            drafts=[_with_id(one.draft, context)],
            contact_guid=one.contact_guid or UUID(int=0),
            source=source,
            room=0,
            received_at=line.at,
            again=uuid5(_IDS_OF_LINES, f"{line.pk} {place}"),
        )
        made.append(submission)
    return made


def asks_of(line: RejectedActivity) -> Asks:
    """What the source of a line asked of its contact, or at least that they have not revoked."""
    asked = Asks((line.context or {}).get("asks", Asks.NO_REVOCATION.value))
    return Asks.NO_REVOCATION if asked is Asks.NOTHING else asked


def guid_of(line: RejectedActivity) -> UUID:
    """The GUID of the contact that a line is about.

    :raises CannotReplay: if there is none
    """
    try:
        guid = parse_guid(line.contact_guid)
    except ValueError:
        guid = UUID(int=0)
    if not guid.int:
        raise CannotReplay("What was kept does not say which contact it is about.")
    return guid


def payload_of(line: RejectedActivity) -> bytes:
    """What was kept of a line."""
    return bytes(line.payload)


def _with_id(draft: Draft, context: dict[str, Any]) -> Draft:
    """The draft with the id that a key of its request gave it."""
    if draft.client_id is None and isinstance(context.get("id"), str):
        return structs.replace(draft, client_id=context["id"])
    return draft


def _without_outdated(one: Again, at: datetime) -> Draft:
    """The draft without what is known better by now about its contact."""
    draft = one.draft
    if not isinstance(draft.contact_fields, dict) or one.contact_guid is None:
        return draft
    changes = ContactChange.objects.filter(
        contact__in=_records_of(one.contact_guid), at__gt=at
    ).values_list("after", flat=True)
    newer = {name for after in changes for name in after}
    fields = {
        name: value
        for name, value in draft.contact_fields.items()
        if _FIELDS.get(fold(str(name))) not in newer
    }
    if len(fields) == len(draft.contact_fields):
        return draft
    detail = "Contact fields that have changed since were left as they are."
    remark = InvalidActivity("corrected", "contactFields", detail)
    return structs.replace(draft, contact_fields=fields or None, remarks=(*draft.remarks, remark))


def _records_of(guid: UUID) -> list[int]:
    """The ids of the contact with this GUID and of those that it has become."""
    ids: list[int] = []
    contact = Contact.objects.filter(guid=guid).values_list("pk", "merged_into").first()
    while contact is not None and contact[0] not in ids:
        ids.append(contact[0])
        contact = Contact.objects.filter(pk=contact[1]).values_list("pk", "merged_into").first()
    return ids


_FIELDS = {fold(wire_name): name for wire_name, name in WIRE_NAMES.items()}
