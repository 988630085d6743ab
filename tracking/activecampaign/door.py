"""The ActiveCampaign format, as the table of doors has it."""

import re

from tracking.activecampaign import admission
from tracking.activecampaign.api.authentication import ACCESS
from tracking.activecampaign.card import CARD
from tracking.activecampaign.events import LogEvent, LogVisit
from tracking.activecampaign.replaying import read_again
from tracking.browsers import SeePixel
from tracking.views import may_read_of_key
from web.doors import AccessType, Door, with_single_slashes

# An event name ends these paths, and slashes in it are its own.
_WITH_NAME = re.compile(r"(/+api/+3/+eventTrackingEvents?/+)(.+)", re.DOTALL)


def _spell(path: str) -> str:
    named = _WITH_NAME.fullmatch(path)
    return with_single_slashes(named[1]) + named[2] if named else with_single_slashes(path)


DOOR = Door(
    name=admission.DOOR,
    title="ActiveCampaign",
    other_titles={"activecampaign-api": "ActiveCampaign API"},
    urls=["tracking.activecampaign.urls", "tracking.activecampaign.api_urls"],
    paths=["/event", "/visit", "/api/3"],
    spell=_spell,
    exchanges={
        ("POST", "/event"): LogEvent,
        ("GET", "/visit"): LogVisit,
        ("HEAD", "/visit"): SeePixel,
    },
    may_read=may_read_of_key,
    read_again=read_again,
    open_paths=["/event"],
    access_types=[AccessType(value=ACCESS, label="ActiveCampaign-format API", place="/api/3")],
    name_type=str,  # as it is: people have chosen these names
    card=CARD,
)
