"""The paths of ActiveCampaign-format events and page visits."""

from django.urls import path

from tracking.activecampaign import views

app_name = "activecampaign"

urlpatterns = [
    path("event", views.EventView.as_view(), name="event"),
    path("visit", views.VisitView.as_view(), name="visit"),
]
