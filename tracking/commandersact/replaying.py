"""What the inspector has kept of Commanders Act-format events, as drafts again."""

from collections.abc import Iterable

from activities.drafts import Draft
from activities.problems import InvalidActivity
from activities.reading_again import Again, CannotReplay, guid_of, payload_of
from activities.rejections import RejectedActivity
from channels.models import Channel
from consents.permission import Asks
from contacts.identifying import find_identified, identify
from contacts.models import Contact
from contacts.resolving import find_contact
from tracking.commandersact.receiver import DOOR, leave_out_known, mapping_of_properties
from tracking.commandersact.translation import (
    Event,
    make_draft,
    read_batch,
    read_event,
    read_identity,
    read_query,
)
from tracking.models import ConsentCategory
from web.problems import Problem


def read_again(line: RejectedActivity, *, is_dry: bool) -> list[Again]:
    """The events of a line, of the contacts whom they name.

    :raises CannotReplay: if it cannot be read again
    """
    assert line.channel is not None
    context = line.context or {}
    asks = _asks_on(line.channel) if context.get("browser") else Asks.NO_REVOCATION
    mapping = mapping_of_properties()
    return [
        _read(event, line, mapping, asks=asks, is_dry=is_dry)
        for event in _events_of(line, context.get("kind", ""))
    ]


def _events_of(line: RejectedActivity, kind: str) -> Iterable[Event]:
    payload = payload_of(line)
    try:
        if kind == "pixel":
            return [read_query(payload.decode(errors="replace"), payload)]
        return list(read_batch(payload)) if kind == "batch" else [read_event(payload)]
    except Problem as problem:
        raise CannotReplay(problem.detail) from None


def _read(
    event: Event, line: RejectedActivity, mapping: dict[str, str], *, asks: Asks, is_dry: bool
) -> Again:
    try:
        if event.problem:
            raise event.problem
        contact = _contact_of(event, line, is_dry=is_dry)
    except InvalidActivity as problem:
        # Of a batch, the others are recorded.
        refused = Draft(problem=problem.with_traceback(None), payload=event.payload)
        return Again(draft=refused, contact_guid=None)
    draft = make_draft(event, mapping, line.at)
    if contact is not None:
        leave_out_known(draft, contact)
    return Again(
        draft=draft,
        contact_guid=contact.guid if contact else None,
        asks=asks,
        names_types=DOOR,
    )


def _contact_of(event: Event, line: RejectedActivity, *, is_dry: bool) -> Contact | None:
    """Who did it; None if a contact would be made for them."""
    if line.contact_guid:
        guid = guid_of(line)
        if (contact := find_contact(guid)) is None:
            raise CannotReplay("The contact was erased.")
        return contact
    assert line.channel is not None
    identity = read_identity(event, site_id=line.channel.site_id, cookie="")
    if identity.is_empty:
        detail = "What was kept names nobody: cookies of browsers are not kept."
        raise InvalidActivity("no_identity", "user", detail)
    return find_identified(identity) if is_dry else identify(identity)


def _asks_on(channel: Channel) -> Asks:
    """What is asked of users of browsers now: an agreement, if events tell of one."""
    categories = ConsentCategory.objects.filter(
        channel=channel, consent=channel.tracking_consent_id
    )
    return Asks.AGREEMENT if categories.exists() else Asks.NO_REVOCATION
