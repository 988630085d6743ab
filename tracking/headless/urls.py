"""The paths of the headless tracking API; its door accepts other spellings of them."""

from django.urls import path, re_path

from tracking.headless import views

app_name = "headless"

urlpatterns = [
    path(
        "Kentico.Tracking/consents/<str:consent_name>",
        views.ConsentTextView.as_view(),
        name="consent-text",
    ),
    path("Kentico.Tracking/contacts", views.ContactsView.as_view(), name="contacts"),
    path(
        "Kentico.Tracking/contacts/<str:contact_guid>/consents/<str:consent_name>",
        views.ContactConsentView.as_view(),
        name="contact-consent",
    ),
    path(
        "Kentico.Tracking/contacts/<str:contact_guid>/groups",
        views.ContactGroupsView.as_view(),
        name="contact-groups",
    ),
    path("Kentico.Tracking/activities", views.ActivitiesView.as_view(), name="activities"),
    path(
        "Kentico.Tracking/automations/<str:code_name>/runs",
        views.AutomationRunsView.as_view(),
        name="automation-runs",
    ),
    re_path(r"^Kentico\.Tracking(?:/|$)", views.UnknownEndpointView.as_view()),
]
