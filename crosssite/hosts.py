"""Which host belongs to whom: allowed hosts, website channels and the admin."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase

from channels.models import Channel
from database.memory import ShortMemory
from web.hosts import is_hub_host


def _read_domains(kind: Channel.Kind) -> frozenset[str]:
    domains = Channel.objects.filter(kind=kind).values_list("domain", flat=True)
    return frozenset(domain.lower() for domain in domains)


_domains = ShortMemory(_read_domains)


def _website_domains() -> frozenset[str]:
    return _domains.get(Channel.Kind.WEBSITE) or frozenset()


class HostMiddleware:
    """Refuse requests for hosts that are neither in HUB_HOSTS nor the domain of a channel.

    With ADMIN_HOSTS, the admin answers on those only.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = request.get_host().lower()
        name, _ = split_domain_port(host)
        if not is_hub_host(host) and not {host, name} & _website_domains():
            raise DisallowedHost(f"The host {host!r} is neither in ALLOWED_HOSTS nor a channel's.")
        is_admin = request.path_info.startswith("/admin")
        if is_admin and settings.ADMIN_HOSTS and not validate_host(name, settings.ADMIN_HOSTS):
            raise Http404("The admin does not answer on this host.")
        return self.get_response(request)


def find_channel(request: HttpRequest) -> Channel | None:
    """The website channel whose domain this request was sent to, or None."""
    return _channels.get(request.get_host().lower())


def _read_channel(host: str) -> Channel | None:
    name, _ = split_domain_port(host)
    channels = Channel.objects.select_related("tracking_consent").filter(
        kind=Channel.Kind.WEBSITE, domain__in={host, name}
    )
    return max(channels, key=lambda channel: len(channel.domain), default=None)


_channels = ShortMemory(_read_channel)
