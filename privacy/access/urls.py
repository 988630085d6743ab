"""The addresses of files for people. They stand under `/privacy/file/`; none lists them."""

from django.urls import path

from privacy.access.public import FilePage

app_name = "privacy_files"
urlpatterns = [path("<str:token>", FilePage.as_view(), name="file")]
