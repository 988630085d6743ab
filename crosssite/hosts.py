"""Which host belongs to whom: allowed hosts, website channels and the admin."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase

from channels.known import channel_of_host, website_domains
from channels.models import Channel
from web.hosts import is_hub_host


class HostMiddleware:
    """Refuse requests for hosts that are neither in HUB_HOSTS nor the domain of a channel.

    With ADMIN_HOSTS, the admin answers on those only.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = request.get_host().lower()
        name, _ = split_domain_port(host)
        if not is_hub_host(host) and not {host, name} & website_domains():
            raise DisallowedHost(f"The host {host!r} is neither in ALLOWED_HOSTS nor a channel's.")
        is_admin = request.path_info.startswith("/admin")
        if is_admin and settings.ADMIN_HOSTS and not validate_host(name, settings.ADMIN_HOSTS):
            raise Http404("The admin does not answer on this host.")
        return self.get_response(request)


def find_channel(request: HttpRequest) -> Channel | None:
    """The website channel whose domain this request was sent to, or None."""
    return channel_of_host(request.get_host().lower())
