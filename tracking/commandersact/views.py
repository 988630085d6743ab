"""What the OpenAPI document shows of Commanders Act-format events."""

from django.http import HttpResponse
from rest_framework.request import Request

from tracking.browsers import SeePixel
from tracking.commandersact import schema
from tracking.commandersact.events import SendBatch, SendEvent, SendPixel
from tracking.commandersact.receiver import DOOR
from tracking.views import RecordingView


class EventsView(RecordingView):
    """Takes one event of a source, in the body or in the query."""

    door = DOOR
    exchange = SendEvent

    @schema.send_event
    def post(self, request: Request) -> HttpResponse:
        """Record one event."""
        return self.answer(SendEvent)

    @schema.send_pixel
    def get(self, request: Request) -> HttpResponse:
        """Record the event that the query describes; answer a picture of one pixel."""
        return self.answer(SendPixel)

    def head(self, request: Request) -> HttpResponse:
        """Answer as to GET, and record nothing."""
        return self.answer(SeePixel)


class BatchView(RecordingView):
    """Takes several events of a source."""

    door = DOOR
    exchange = SendBatch

    @schema.send_batch
    def post(self, request: Request) -> HttpResponse:
        """Record several events, each for itself."""
        return self.answer(SendBatch)
