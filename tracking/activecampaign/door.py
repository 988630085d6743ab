"""The ActiveCampaign format, as the table of doors has it."""

from tracking.activecampaign import receiving
from tracking.activecampaign.api.authentication import ACCESS
from tracking.activecampaign.card import CARD
from tracking.activecampaign.events import LogEvent, LogVisit
from tracking.views import may_read_of_key
from web.doors import AccessType, Door

DOOR = Door(
    name=receiving.DOOR,
    title="ActiveCampaign",
    other_titles={"activecampaign-api": "ActiveCampaign API"},
    urls=["tracking.activecampaign.urls", "tracking.activecampaign.api_urls"],
    paths=["/event", "/visit", "/api/3"],
    exchanges={("POST", "/event"): LogEvent, ("GET", "/visit"): LogVisit},
    may_read=may_read_of_key,
    open_paths=["/event"],
    access=AccessType(value=ACCESS, label="ActiveCampaign-format API", place="/api/3"),
    name_type=str,  # as it is: people have chosen these names
    card=CARD,
)
