"""What the OpenAPI document shows of ActiveCampaign-format events, and of their pixel."""

from django.http import HttpResponse
from rest_framework.request import Request

from tracking.activecampaign import admission, schema
from tracking.activecampaign.events import LogEvent, LogVisit
from tracking.browsers import SeePixel
from tracking.views import RecordingView


class EventView(RecordingView):
    """Takes events of contacts who exist."""

    door = admission.DOOR
    exchange = LogEvent

    @schema.log_event
    def post(self, request: Request) -> HttpResponse:
        """Log an event of a contact."""
        return self.answer(LogEvent)


class VisitView(RecordingView):
    """Takes page visits of contacts who exist, from the picture that pages have for it."""

    door = admission.DOOR
    exchange = LogVisit

    @schema.log_visit
    def get(self, request: Request) -> HttpResponse:
        """Log a page visit of a contact; answer a picture of one pixel."""
        return self.answer(LogVisit)

    def head(self, request: Request) -> HttpResponse:
        """Answer as to GET, and log nothing."""
        return self.answer(SeePixel)
