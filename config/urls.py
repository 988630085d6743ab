"""Every path that the hub answers."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config import health
from web.doors import all_doors

handler400 = "web.handlers.handle_bad_request"
handler500 = "web.handlers.handle_server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/settings/tracking/", include("tracking.admin.urls")),
    path("admin/", include("config.logins.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    *(path("", include(urls)) for door in all_doors() for urls in door.urls),
]
