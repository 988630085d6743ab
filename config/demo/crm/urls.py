"""The paths of the demo's CRM."""

from django.urls import path

from config.demo.crm import views

app_name = "demo-crm"

urlpatterns = [
    path("", views.show, name="page"),
    path("messages/", views.show_messages, name="messages"),
    path("answer/", views.set_answer, name="answer"),
    path("secret/", views.set_secret, name="secret"),
    path("forget/", views.forget, name="forget"),
    path("hook", views.receive, name="hook"),
]
