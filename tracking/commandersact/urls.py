"""The paths of Commanders Act-format tracking, and of the Config API."""

from django.urls import path

from tracking.commandersact import views

app_name = "commandersact"

urlpatterns = [
    path("events", views.EventsView.as_view(), name="events"),
    path("events/batch", views.BatchView.as_view(), name="batch"),
]
