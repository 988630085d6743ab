"""Cross-origin requests: which web pages may call a door from a browser."""

from corsheaders.middleware import (
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    CorsMiddleware,
)
from corsheaders.signals import check_request_enabled
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from channels.models import ApiKey, Channel
from channels.origins import origin_matches
from tracking.middleware import is_door
from web.doors import is_open, takes_cookies


class DoorCorsMiddleware(CorsMiddleware):
    """Answers a preflight with the headers that it asks for, as the headless API is documented."""

    def __call__(self, request):
        if not is_door(request.path_info):
            return self.get_response(request)
        return super().__call__(request)

    def add_response_headers(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response = super().add_response_headers(request, response)
        asked_for = request.headers.get("access-control-request-headers")
        if request.method == "OPTIONS" and asked_for and ACCESS_CONTROL_ALLOW_ORIGIN in response:
            response[ACCESS_CONTROL_ALLOW_HEADERS] = asked_for
        if ACCESS_CONTROL_ALLOW_ORIGIN in response and takes_cookies(request.path):
            response[ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
            if request.method == "OPTIONS":
                response.status_code = 204
        return response


def allow_origin(sender, request: HttpRequest, **kwargs) -> bool:
    """Whether the `Origin` of this request may read the answer.

    A preflight carries no key, so it is answered for the origins of all channels; the request
    itself, once its key is known, for the origins of the key's channel. The doors for events of
    other formats answer every page, as those systems do.
    """
    # django-cors-headers also asks when a path has a line break in it, whatever the headers.
    origin = request.headers.get("origin")
    if not origin or not is_door(request.path):
        return False
    if is_open(request.path):
        return True
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey):
        return origin_matches(origin, key.channel.allowed_origins)
    configured = Channel.objects.exclude(allowed_origins=[])
    return any(
        origin_matches(origin, allowed)
        for allowed in configured.values_list("allowed_origins", flat=True)
    )


def connect() -> None:
    """Let django-cors-headers ask `allow_origin`: the signal is its way of asking a database."""
    check_request_enabled.connect(allow_origin, dispatch_uid="tracking.cors")
