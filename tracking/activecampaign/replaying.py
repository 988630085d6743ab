"""What the inspector has kept of ActiveCampaign-format events and page visits, as drafts again."""

from activities.reading_again import Again, CannotReplay, asks_of, payload_of
from activities.rejections import RejectedActivity
from database.loop import finish
from tracking.activecampaign import admission
from tracking.activecampaign.translation import (
    Form,
    make_event,
    make_page_visit,
    read_email,
    read_form,
    read_query,
    read_visit,
)


def read_again(line: RejectedActivity, *, is_dry: bool) -> list[Again]:
    """The event or the page visit of a line, of the contact who has its email by now.

    :raises CannotReplay: if it cannot be read again
    :raises InvalidActivity: if it is refused before it is checked
    """
    context = line.context or {}
    assert line.channel is not None
    admission.check_tracking(line.channel)
    # Which of them it was is known from the door: an event needs the key, which is not kept.
    if context.get("event"):
        return [_event_of(line, context)]
    if context.get("visit"):
        return [_visit_of(line)]
    raise CannotReplay("The hub has not kept what it needs to read it again.")


def _event_of(line: RejectedActivity, context: dict) -> Again:
    payload, length = payload_of(line), context.get("query")
    query, body = (payload, b"") if length is None else (payload[:length], payload[length:])
    form = read_form(
        query.decode("latin-1"), context.get("content_type", ""), body.removeprefix(b"\n")
    )
    name, visit = admission.read_name(form), read_visit(form)
    return Again(
        draft=make_event(name, form, visit, payload),
        contact_guid=finish(admission.find_contact(visit.email, "visit")),
        asks=asks_of(line),
        names_types=admission.DOOR,
    )


def _visit_of(line: RejectedActivity) -> Again:
    payload = payload_of(line)
    fields = Form(read_query(payload.decode("latin-1"))).fields
    return Again(
        draft=make_page_visit(fields, payload),
        contact_guid=finish(admission.find_contact(read_email(fields.get("e")), "e")),
        asks=asks_of(line),
        names_types=admission.DOOR,
    )
