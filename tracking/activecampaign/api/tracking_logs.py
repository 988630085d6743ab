"""What contacts did on the channel of the key."""

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from activities.models import Activity
from contacts.resolving import get_live_contact
from tracking.activecampaign.api import schema
from tracking.activecampaign.api.base import ApiView, no_result
from tracking.activecampaign.api.reading import read_direction, read_id, read_page, read_time
from tracking.activecampaign.api.rendering import Answer, as_activity, as_contact, as_tracking_log
from web.problems import Problem


class LogsView(ApiView):
    """A view that shows what contacts did."""

    def activities(self) -> QuerySet[Activity]:
        """Everything that the key may see."""
        return Activity.objects.filter(channel=self.key.channel).select_related("type")


class ContactLogsView(LogsView):
    @schema.list_tracking_logs
    def get(self, request: Request, contact_id: str) -> HttpResponse:
        """The events of a contact, the oldest first."""
        contact = self.find_contact(contact_id)
        # The order of an index, and that of the ids where nobody gave times of their own.
        events = self.activities().filter(contact=contact).order_by("occurred_at", "pk")
        page = read_page(request.GET).of(events)
        return Answer({"trackingLogs": [as_tracking_log(one, self.root) for one in page]})


class LogContactView(LogsView):
    @schema.get_contact_of_tracking_log
    def get(self, request: Request, log_id: str) -> HttpResponse:
        """The contact of an event."""
        activity = self.activities().filter(pk=read_id(log_id) or 0).first()
        if activity is None:
            raise no_result("TrackingLog", log_id)
        contact = get_live_contact(activity.contact_id)
        return Answer({"contact": as_contact(contact, self.root)})


class ActivitiesView(LogsView):
    @schema.list_activities
    def get(self, request: Request) -> HttpResponse:
        """What a contact did, each with the event that it refers to."""
        contact_id = request.GET.get("contact")
        if not contact_id:
            raise Problem(400, "missing_contact", "Name a contact: ?contact=157", field="contact")
        contact = self.find_contact(contact_id)
        activities = self.activities().filter(contact=contact)
        if after := read_time(request.GET, "after"):
            activities = activities.filter(occurred_at__gt=after)
        direction = read_direction(request.GET, "tstamp") or ""
        ordered = activities.order_by(f"{direction}occurred_at", f"{direction}pk")
        page = read_page(request.GET).of(ordered)
        return Answer(
            {
                "trackingLogs": [as_tracking_log(one, self.root) for one in page],
                "activities": [as_activity(one, self.root) for one in page],
                "meta": {"total": str(activities.count())},
            }
        )
