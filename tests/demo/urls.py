"""The paths of a hub with the demo."""

from django.urls import include, path

from config.urls import urlpatterns as of_the_hub

urlpatterns = [*of_the_hub, path("demo/crm/", include("config.demo.crm.urls"))]
