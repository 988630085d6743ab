"""Events in the formats of other systems, which some software of the demo's bank still sends."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from activities.event_names import make_type
from activities.inspector import keep_refused_request
from activities.models import ActivityType, PropertyRule
from activities.problems import InvalidActivity
from activities.recording import Source, record_activities
from channels.models import Channel
from config.demo.data import FILE_REQUEST, WEB, Person, brochure_path
from consents.models import Consent
from database.loop import finish
from tracking.activecampaign import admission
from tracking.activecampaign.translation import Form, read_visit
from tracking.activecampaign.translation import make_event as make_named_event
from tracking.commandersact import receiver as commandersact
from tracking.commandersact.translation import make_event
from tracking.models import ConsentCategory

# The category of the consent banner that the shop for insurances still has.
_CATEGORY = "1"
_FORM = "application/x-www-form-urlencoded"


class ShopEvent(NamedTuple):
    """An event of the shop for insurances, in the Commanders Act format."""

    hours_ago: int
    who: str
    wire: dict[str, Any]
    code: str = ""


class NamedEvent(NamedTuple):
    """An event of another program, such as that of the seminars, in the ActiveCampaign format."""

    email: str
    name: str
    data: str
    code: str = ""
    hours_ago: int = 0


def _purchase(order: str, value: float, **properties) -> dict[str, Any]:
    wire = {"event_name": "purchase", "id": order, "value": value, "currency": "EUR"}
    return {**wire, "payment_method": "card", **properties}


SHOP = (
    ShopEvent(150, "Hofer", {"event_name": "search", "search_term": "travel insurance"}),
    ShopEvent(131, "Hofer", _purchase("TI-1042", 39.9)),
    ShopEvent(99, "Kowalska", {"event_name": "view_item", "value": 120, "currency": "EUR"}),
    ShopEvent(98, "Kowalska", _purchase("HI-0311", 120)),
    ShopEvent(77, "Tanaka", {"event_name": "generate_lead", "id": "lead-77"}),
    ShopEvent(53, "Larsen", _purchase("TI-1057", 44.5, currency="euro"), "wrong_property"),
    ShopEvent(49, "Baumann", _purchase("CI-0208", 310)),
    ShopEvent(27, "Byrne", {"search_term": "car insurance"}, "missing_event_name"),
)


def _file_request(email: str, brochure: str, *, hours_ago: int) -> NamedEvent:
    file = f"{WEB}{brochure_path(brochure)}"
    return NamedEvent(email, FILE_REQUEST, file, hours_ago=hours_ago)


OTHERS = (
    _file_request("charlotte.evans@example.net", "saving-for-children", hours_ago=412),
    _file_request("sophie.steiner@example.org", "first-home", hours_ago=207),
    _file_request("anna.keller@example.com", "first-home", hours_ago=31),
    NamedEvent("anna.keller@example.com", "Webinar attended", "Buying your first home"),
    NamedEvent("nobody@example.com", "Webinar attended", "Saving on heating", "unknown_contact"),
)


def ensure_what_events_mean(main_site: Channel, tracking_consent: Consent) -> None:
    """Make sure of the rules for a purchase, and of what the shop's consent category stands for."""
    ConsentCategory.objects.get_or_create(
        channel=main_site, category=_CATEGORY, defaults={"consent": tracking_consent}
    )
    purchase = make_type("purchase", door=commandersact.DOOR)
    if purchase.description:
        return
    purchase.description = (
        "A contact bought an insurance in the shop. The value is the number of the order."
    )
    purchase.on_wrong = ActivityType.Action.LEAVE_OUT
    purchase.save()
    # None for the order: developers try purchases out with numbers of their own.
    for name, kind, required, format_ in (
        ("value", PropertyRule.Kind.NUMBER, True, ""),
        ("currency", PropertyRule.Kind.STRING, True, "[A-Z]{3}"),
    ):
        PropertyRule.objects.get_or_create(
            activity_type=purchase,
            name=name,
            defaults={"kind": kind, "required": required, "format": format_},
        )


def report_shop_event(
    event: ShopEvent, person: Person, channel: Channel, *, now: datetime, request_id: UUID
) -> None:
    """Send what a person did in the shop to the hub."""
    at = now - timedelta(hours=event.hours_ago)
    wire = {
        **event.wire,
        "user": {"email": person.email, "consent_categories": [_CATEGORY]},
        "context": {"event_timestamp": int(at.timestamp() * 1000)},
    }
    payload = json.dumps(wire).encode()
    receiver = commandersact.Receiver(channel, request_id, browser=None)
    finish(receiver.receive([make_event(wire, payload)]))


def report_named_event(
    event: NamedEvent, channel: Channel, *, now: datetime, request_id: UUID
) -> None:
    """Send what a person did elsewhere, such as in a seminar, to the hub."""
    fields = {"event": event.name, "eventdata": event.data, "visit": {"email": event.email}}
    # As it comes over HTTP: so developers can replay it.
    sent = {**fields, "visit": json.dumps(fields["visit"])}
    payload = urlencode(sent).encode()
    form = Form(fields)
    try:
        visit = read_visit(form)
        draft = make_named_event(event.name, form, visit, payload)
        if event.hours_ago:
            # The format itself knows no times: such an event happens when it is sent.
            draft.occurred_at = (now - timedelta(hours=event.hours_ago)).isoformat()
        record_activities(
            [draft],
            contact_guid=finish(admission.find_contact(visit.email, "visit")),
            source=Source(
                door=admission.DOOR,
                channel=channel,
                request_id=request_id,
                names_types=admission.DOOR,
                answers_each=False,
            ),
        )
    except InvalidActivity as problem:
        keep_refused_request(
            problem,
            door=admission.DOOR,
            request_id=request_id,
            payload=payload,
            payload_length=len(payload),
            channel=channel,
            context={"event": True, "query": None, "content_type": _FORM},
        )
