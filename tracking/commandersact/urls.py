"""The paths of Commanders Act-format tracking, and of the Config API."""

from django.urls import include, path

from tracking.commandersact import config_api, views

app_name = "commandersact"

_config_api = [
    path("sources", config_api.SourcesView.as_view(), name="sources"),
    path("sources/<str:source_id>", config_api.SourceView.as_view(), name="source"),
    path(
        "monitoring/sources-data-quality", config_api.QualityView.as_view(), name="sources-quality"
    ),
    path("event-inspector", config_api.InspectorView.as_view(), name="event-inspector"),
]

urlpatterns = [
    path("events", views.EventsView.as_view(), name="events"),
    path("events/batch", views.BatchView.as_view(), name="batch"),
    path("v2/<str:site_id>/", include(_config_api)),
]
