"""Which host belongs to whom: allowed hosts, website channels and the admin."""

import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase

from channels.models import Channel

# How long a process may go on with the domains that it knows, in seconds.
_FRESH_FOR = 0.5


class _Domains:
    """The domains of all website channels, read again twice a second at most."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._read_at = float("-inf")

    def get(self) -> frozenset[str]:
        if time.monotonic() - self._read_at > _FRESH_FOR:
            domains = Channel.objects.filter(kind=Channel.Kind.WEBSITE)
            self._known = frozenset(
                domain.lower() for domain in domains.values_list("domain", flat=True)
            )
            self._read_at = time.monotonic()
        return self._known


_domains = _Domains()


class HostMiddleware:
    """Refuse requests for hosts that are neither in HUB_HOSTS nor the domain of a channel.

    With ADMIN_HOSTS, the admin answers on those only.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = request.get_host().lower()
        name, _ = split_domain_port(host)
        if not validate_host(name, settings.HUB_HOSTS) and not {host, name} & _domains.get():
            raise DisallowedHost(f"The host {host!r} is neither in ALLOWED_HOSTS nor a channel's.")
        is_admin = request.path_info.startswith("/admin")
        if is_admin and settings.ADMIN_HOSTS and not validate_host(name, settings.ADMIN_HOSTS):
            raise Http404("The admin does not answer on this host.")
        return self.get_response(request)


def find_channel(request: HttpRequest) -> Channel | None:
    """The website channel whose domain this request was sent to, or None."""
    host = request.get_host().lower()
    name, _ = split_domain_port(host)
    channels = Channel.objects.select_related("tracking_consent").filter(
        kind=Channel.Kind.WEBSITE, domain__in={host, name}
    )
    return max(channels, key=lambda channel: len(channel.domain), default=None)
