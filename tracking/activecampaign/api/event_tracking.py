"""Event tracking of an account: its switch, and the event names that are offered by name."""

from django.http import HttpResponse
from rest_framework.request import Request

from activities.event_names import event_name_for
from activities.models import ActivityType
from activities.problems import InvalidActivity
from activities.whitelisting import unwhitelist, whitelist
from tracking.activecampaign.account import switch_event_tracking
from tracking.activecampaign.admission import DOOR, check_name
from tracking.activecampaign.api import schema
from tracking.activecampaign.api.base import ApiView
from tracking.activecampaign.api.reading import read_object, read_page, read_text
from tracking.activecampaign.api.rendering import Answer
from web.problems import Problem


class EventTrackingView(ApiView):
    @schema.get_event_tracking
    def get(self, request: Request) -> HttpResponse:
        """Whether events are logged."""
        return self._answer()

    @schema.put_event_tracking
    def put(self, request: Request) -> HttpResponse:
        """Log events from now on, or refuse them."""
        enabled = read_object(self.body, "eventTracking").get("enabled")
        if not isinstance(enabled, bool):
            raise Problem(400, "not_a_switch", "enabled must be true or false.", field="enabled")
        switch_event_tracking(self.key.channel, on=enabled)
        return self._answer()

    @schema.post_event_tracking
    def post(self, request: Request) -> HttpResponse:
        """The same: of the original's documents, some say PUT and some POST."""
        return self.put(request)

    def _answer(self) -> HttpResponse:
        enabled = self.key.channel.event_tracking_enabled
        return Answer({"eventTracking": {"enabled": enabled}})


class EventNamesView(ApiView):
    @schema.list_event_names
    def get(self, request: Request) -> HttpResponse:
        """The event names that are whitelisted."""
        types = ActivityType.objects.filter(whitelisted=True).order_by("pk")
        names = [{"name": event_name_for(one)} for one in read_page(request.GET).of(types)]
        return Answer({"eventTrackingEvents": names, "meta": {"total": types.count()}})

    @schema.create_event_name
    def post(self, request: Request) -> HttpResponse:
        """Whitelist an event name; one that is whitelisted already is answered alike."""
        name = read_text(read_object(self.body, "eventTrackingEvent"), "name")
        if not name:
            raise Problem(422, "field_missing", "The event name was not provided.", field="name")
        try:
            check_name(name)
            activity_type = whitelist(name, door=DOOR)
        except InvalidActivity as problem:
            raise Problem(422, "field_invalid", problem.detail, field="name") from None
        answer = {"eventTrackingEvent": {"name": event_name_for(activity_type)}}
        return Answer(answer, status=201)


class EventNameView(ApiView):
    @schema.delete_event_name
    def delete(self, request: Request, name: str) -> HttpResponse:
        """Take an event name off the whitelist. Its type and what was logged stay."""
        if not self.key.channel.event_tracking_enabled:
            detail = "Event tracking is turned off; turn it on before you delete an event name."
            raise Problem(400, "event_tracking_off", detail)
        if not unwhitelist(name.strip()):
            detail = f"No Result found for EventTrackingEvent with name {name[:100]}"
            raise Problem(404, "no_result", detail)
        return Answer({})


class MisspelledEventNameView(EventNameView):
    """The same at a path that some clients have."""

    schema = None
