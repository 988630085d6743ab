"""The paths of pages of the admin that are of no app."""

from django.urls import path

from adminsite import views

app_name = "adminsite"

urlpatterns = [path("search/", views.search, name="search")]
