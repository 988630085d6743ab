"""Where the bell hangs."""

from django.urls import path

from tests.doors.bell.ring import Ring
from web.django import view_of

app_name = "bell"

urlpatterns = [path("bell/ring", view_of(Ring), name="ring")]
