"""The addresses of the help."""

from django.contrib import admin
from django.urls import path

from config.help import views

urlpatterns = [
    path("", admin.site.admin_view(views.overview), name="help"),
    path("<path:path>", admin.site.admin_view(views.page), name="help-page"),
]
