"""Every path that the hub answers."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from config import health
from config.api_docs.views import api_docs
from web.doors import all_doors

handler400 = "web.handlers.handle_bad_request"
handler500 = "web.handlers.handle_server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    # Before the admin's own: Unfold has another search at this path.
    path("admin/", include("adminsite.urls")),
    path("admin/settings/tracking/", include("tracking.admin.urls")),
    path("admin/", include("config.logins.urls")),
    path("admin/help/", include("config.help.urls")),
    path("admin/privacy/record/", include("privacy.admin.urls")),
    path("admin/", admin.site.urls),
    path("email/", include("automations.urls")),
    path("privacy/file/", include("privacy.access.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", api_docs, name="api-docs"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    *(path("", include(urls)) for door in all_doors() for urls in door.urls),
]

if settings.DEMO:
    urlpatterns += [path("demo/crm/", include("config.demo.crm.urls"))]
