"""Addresses of emails: what their links lead to. They stand under `/email/`."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from automations.emails.pages import ConfirmPage, PreferencesPage, UnsubscribePage
from automations.emails.tracking import follow_click, send_pixel

app_name = "automations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("unsubscribe/<str:token>", UnsubscribePage.as_view(), name="unsubscribe"),
    path("preferences/<str:token>", PreferencesPage.as_view(), name="preferences"),
    path("confirm/<str:token>", ConfirmPage.as_view(), name="confirm"),
    path("o/<str:token>.gif", send_pixel, name="open"),
    path("c/<str:token>", follow_click, name="click"),
]


def provider_urls(anymail: Mapping[str, Any]) -> list[URLResolver]:
    """Where providers report what happened to emails, with these settings of django-anymail.

    Anybody could report bounces of anybody there: without a secret nothing answers.
    """
    is_safe = bool(anymail.get("WEBHOOK_SECRET"))
    return [path("anymail/", include("anymail.urls"))] if is_safe else []


urlpatterns += provider_urls(settings.ANYMAIL)
