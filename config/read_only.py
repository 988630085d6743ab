"""The pages of the hub while it is read-only."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from web.doors import door_at

_READING = ("GET", "HEAD", "OPTIONS")


class ReadOnlyMiddleware:
    """While READ_ONLY is on, answer whatever would write with a page that says so.

    The doors answer for themselves, in their own format.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answers_itself = door_at(request.path_info) is not None
        if settings.READ_ONLY and request.method not in _READING and not answers_itself:
            return TemplateResponse(
                request,
                "503.html",
                status=503,
                headers={"Retry-After": str(settings.READ_ONLY_RETRY_AFTER_SECONDS)},
            ).render()
        return self.get_response(request)
