"""The pages of the hub while it is read-only."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tracking.middleware import is_door

_READING = ("GET", "HEAD", "OPTIONS")
_TRACKER = "/Kentico.CrossSiteTracking/"


class ReadOnlyMiddleware:
    """While READ_ONLY is on, answer whatever would write with a page that says so.

    The doors and the commands of the tracker answer for themselves, in their own format.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        answers_itself = is_door(path) or path.startswith(_TRACKER)
        if settings.READ_ONLY and request.method not in _READING and not answers_itself:
            return TemplateResponse(
                request,
                "503.html",
                status=503,
                headers={"Retry-After": str(settings.READ_ONLY_RETRY_AFTER_SECONDS)},
            ).render()
        return self.get_response(request)
