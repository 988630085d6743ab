"""The paths of “Settings, Tracking”."""

from django.urls import path

from tracking.admin import views

app_name = "tracking_settings"

urlpatterns = [
    path("", views.index, name="index"),
    path("<int:channel_id>/switch/<slug:slug>/", views.switch, name="switch"),
    path("<int:channel_id>/replace/<slug:slug>/", views.replace, name="replace"),
    path("<int:channel_id>/identifiers/", views.identifiers, name="identifiers"),
]
