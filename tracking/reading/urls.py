"""The paths of the read API; its door accepts other spellings of them."""

from django.urls import path, re_path

from tracking.reading import views

app_name = "reading"

urlpatterns = [
    path("hub/v1/contacts", views.ContactsView.as_view(), name="contacts"),
    path("hub/v1/contacts/<str:contact_guid>", views.ContactView.as_view(), name="contact"),
    path(
        "hub/v1/contacts/<str:contact_guid>/timeline",
        views.TimelineView.as_view(),
        name="timeline",
    ),
    path("hub/v1/groups", views.GroupsView.as_view(), name="groups"),
    path("hub/v1/groups/<str:code_name>/members", views.MembersView.as_view(), name="members"),
    re_path(r"^hub/v1(?:/|$)", views.UnknownEndpointView.as_view()),
]
