"""Where the bell hangs."""

from django.urls import path

from tests.doors.bell import views

app_name = "bell"

urlpatterns = [path("bell/ring", views.RingView.as_view(), name="ring")]
