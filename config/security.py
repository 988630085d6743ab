"""What the hub asks of browsers: HTTPS, and to load and run nothing but what belongs to a page."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware

_HSTS = "Strict-Transport-Security"


class HubSecurityMiddleware(SecurityMiddleware):
    """Django's middleware, which binds the hosts of the hub itself to HTTPS and no others.

    The domains of website channels belong to websites, and the hub answers some of their paths.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        if _HSTS in response and not _is_of_the_hub(request):
            del response[_HSTS]
        return response


class PolicyMiddleware(CSPMiddleware):
    """Gives each page a Content-Security-Policy; what is no page needs none."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and request.path_info.startswith("/admin"):
            parts.config = settings.ADMIN_CONTENT_SECURITY_POLICY
        return parts


def _is_of_the_hub(request: HttpRequest) -> bool:
    name, _ = split_domain_port(request.get_host().lower())
    return validate_host(name, settings.HUB_HOSTS)
