"""The Commanders Act format, as the table of doors has it."""

import re

from tracking.browsers import SeePixel
from tracking.commandersact import receiver
from tracking.commandersact.authentication import ACCESS
from tracking.commandersact.card import CARD
from tracking.commandersact.events import SendBatch, SendEvent, SendPixel
from tracking.commandersact.replaying import read_again
from tracking.views import may_read_of_key
from web.doors import AccessType, Door, with_single_slashes

_IDENTIFIER = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
# Websites that send events to a domain of their own have this in front of the path.
_COLLECTION = "/cdp"


def _spell(path: str) -> str:
    path = with_single_slashes(path)
    return path.removeprefix(_COLLECTION) if path.startswith(f"{_COLLECTION}/") else path


def _name_type(event_name: str) -> str:
    """Names such as add_to_cart get spaces."""
    if _IDENTIFIER.fullmatch(event_name):
        return event_name.replace("_", " ").capitalize()
    return event_name


DOOR = Door(
    name=receiver.DOOR,
    title="Commanders Act",
    other_titles={"commandersact-config": "Commanders Act Config API"},
    urls=["tracking.commandersact.urls"],
    paths=["/events", _COLLECTION, "/v2"],
    spell=_spell,
    exchanges={
        ("POST", "/events"): SendEvent,
        ("GET", "/events"): SendPixel,
        ("HEAD", "/events"): SeePixel,
        ("POST", "/events/batch"): SendBatch,
    },
    may_read=may_read_of_key,
    read_again=read_again,
    open_paths=["/events"],
    cookie_paths=["/events"],
    access_types=[
        AccessType(
            value=ACCESS, label="Commanders Act-format Config API", place="/v2/{channel.site_id}"
        )
    ],
    name_type=_name_type,
    card=CARD,
)
