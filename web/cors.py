"""Cross-origin requests: which web pages may call a door from a browser, and read its answers."""

from corsheaders.conf import conf
from corsheaders.middleware import (
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    CorsMiddleware,
)
from corsheaders.signals import check_request_enabled
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from web.answers import Headers
from web.doors import door_at, exchange_at, is_open, takes_cookies


def readable_by(origin: str, *, with_cookies: bool = False) -> Headers:
    """The headers of an answer that pages of this origin may read, as corsheaders makes them."""
    headers = [
        (b"access-control-allow-origin", origin.encode("latin1")),
        (b"access-control-expose-headers", ", ".join(conf.CORS_EXPOSE_HEADERS).encode()),
        (b"vary", b"origin"),
    ]
    if with_cookies:
        headers.append((b"access-control-allow-credentials", b"true"))
    return headers


class DoorCorsMiddleware(CorsMiddleware):
    """Answers a preflight with the headers that it asks for, as the headless API is documented."""

    def __call__(self, request):
        is_preflight = request.method == "OPTIONS"
        exchange = exchange_at(request.method, request.path_info)
        # An exchange says itself who may read its answer.
        if door_at(request.path_info) is None or (exchange and not is_preflight):
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

    A preflight carries no key; some doors answer every page, as the systems do whose format it is.
    """
    # django-cors-headers also asks when a path has a line break in it, whatever the headers.
    door = door_at(request.path)
    if door is None or not request.headers.get("origin"):
        return False
    return is_open(request.path) or door.may_read(request)


# The signal is how django-cors-headers lets a project ask its database.
check_request_enabled.connect(allow_origin, dispatch_uid="web.cors")
