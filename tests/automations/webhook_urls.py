"""The addresses of a hub that sends by a provider."""

from django.urls import include, path

from automations.urls import provider_urls

urlpatterns = [path("email/", include(provider_urls({"WEBHOOK_SECRET": "hub:secret"})))]
