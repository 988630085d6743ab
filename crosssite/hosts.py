"""Requests for other hosts are refused: what is neither the hub's nor a website channel's."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase

from database.loop import finish
from web.hosts import is_known_host


class HostMiddleware:
    """Refuse requests for hosts that are neither in HUB_HOSTS nor the domain of a channel.

    With ADMIN_HOSTS, the admin answers on those only.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = request.get_host().lower()
        name, _ = split_domain_port(host)
        if not finish(is_known_host(host)):
            raise DisallowedHost(f"The host {host!r} is neither in ALLOWED_HOSTS nor a channel's.")
        is_admin = request.path_info.startswith("/admin")
        if is_admin and settings.ADMIN_HOSTS and not validate_host(name, settings.ADMIN_HOSTS):
            raise Http404("The admin does not answer on this host.")
        return self.get_response(request)
