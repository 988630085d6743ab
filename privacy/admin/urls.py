"""The paths of the record of processing."""

from django.urls import path

from privacy.admin import record

app_name = "privacy_record"

urlpatterns = [
    path("", record.index, name="index"),
    path("document/", record.document, name="document"),
    path("profile/", record.edit, name="profile"),
]
