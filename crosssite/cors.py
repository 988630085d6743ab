"""Cross-origin requests of the tracker: with cookies, and for websites that we know only."""

import re

from corsheaders.middleware import (
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    CorsMiddleware,
)
from corsheaders.signals import check_request_enabled
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from crosssite.hosts import find_channel
from crosssite.origins import find_caller

_COMMANDS = re.compile(r"/Kentico\.CrossSiteTracking/")


class TrackerCorsMiddleware(CorsMiddleware):
    """Lets a known website read the answers to the commands of its tracker, with cookies."""

    def __call__(self, request):
        if not _COMMANDS.match(request.path_info):
            return self.get_response(request)
        return super().__call__(request)

    def add_response_headers(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response = super().add_response_headers(request, response)
        if ACCESS_CONTROL_ALLOW_ORIGIN in response:
            response[ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
        return response


def allow_origin(sender, request: HttpRequest, **kwargs) -> bool:
    """Whether this is a command from a website that the channel of the host knows."""
    if not _COMMANDS.match(request.path_info):
        return False
    if hasattr(request, "caller"):
        return True
    channel = find_channel(request) if request.method == "OPTIONS" else None
    return channel is not None and find_caller(request, channel) is not None


def connect() -> None:
    """Let django-cors-headers ask `allow_origin`: the signal is its way of asking a database."""
    check_request_enabled.connect(allow_origin, dispatch_uid="crosssite.cors")
