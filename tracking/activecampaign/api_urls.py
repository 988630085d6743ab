"""The paths of the ActiveCampaign-format API, version 3."""

from django.urls import include, path, re_path

from tracking.activecampaign.api import base, contacts, event_tracking, tracking_logs

app_name = "activecampaign-api"

_api = [
    path("eventTracking", event_tracking.EventTrackingView.as_view(), name="event-tracking"),
    path("eventTrackingEvents", event_tracking.EventNamesView.as_view(), name="event-names"),
    # Names may have a slash in them.
    path(
        "eventTrackingEvents/<path:name>",
        event_tracking.EventNameView.as_view(),
        name="event-name",
    ),
    path("eventTrackingEvent/<path:name>", event_tracking.MisspelledEventNameView.as_view()),
    path("activities", tracking_logs.ActivitiesView.as_view(), name="activities"),
    path("contacts", contacts.ContactsView.as_view(), name="contacts"),
    path("contacts/<str:contact_id>", contacts.ContactView.as_view(), name="contact"),
    path("contact/sync", contacts.SyncView.as_view(), name="sync"),
    path(
        "contacts/<str:contact_id>/trackingLogs",
        tracking_logs.ContactLogsView.as_view(),
        name="tracking-logs",
    ),
    path(
        "trackingLogs/<str:log_id>/contact",
        tracking_logs.LogContactView.as_view(),
        name="tracking-log-contact",
    ),
]

urlpatterns = [
    path("api/3/", include(_api)),
    re_path(r"^api/3(?:/|$)", base.UnknownEndpointView.as_view()),
]
