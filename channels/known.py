"""Channels by what requests name them: a host, an account ID or a site ID.

Each process remembers its answers for a moment (`database.memory`): every request asks for one.
"""

from django.http.request import split_domain_port

from channels.models import Channel
from database.memory import ShortMemory


def website_domains() -> frozenset[str]:
    """The domains of all website channels, in lower case."""
    return _domains.get(Channel.Kind.WEBSITE) or frozenset()


def channel_of_host(host: str) -> Channel | None:
    """The website channel with this domain, or None. `host` is in lower case, as in `Host`.

    A domain with the port of `host` comes before one without.
    """
    return _by_host.get(host)


def channel_of_account(account_id: str) -> Channel | None:
    """The channel with this account ID of the ActiveCampaign format, or None."""
    return _by_account_id.get(account_id)


def channels_of_site(site_id: str) -> tuple[Channel, ...]:
    """The channels with this site ID of the Commanders Act format: the sources of a site."""
    return _by_site_id.get(site_id) or ()


def _read_domains(kind: Channel.Kind) -> frozenset[str]:
    domains = Channel.objects.filter(kind=kind).values_list("domain", flat=True)
    return frozenset(domain.lower() for domain in domains)


def _read_by_host(host: str) -> Channel | None:
    name, _ = split_domain_port(host)
    channels = Channel.objects.select_related("tracking_consent").filter(
        kind=Channel.Kind.WEBSITE, domain__in={host, name}
    )
    return max(channels, key=lambda channel: len(channel.domain), default=None)


def _read_by_account_id(account_id: str) -> Channel | None:
    channels = Channel.objects.select_related("tracking_consent")
    return channels.filter(account_id=account_id).first()


def _read_by_site_id(site_id: str) -> tuple[Channel, ...] | None:
    channels = Channel.objects.select_related("tracking_consent").filter(site_id=site_id)
    return tuple(channels) or None


_domains = ShortMemory(_read_domains)
_by_host = ShortMemory(_read_by_host)
_by_account_id = ShortMemory(_read_by_account_id)
_by_site_id = ShortMemory(_read_by_site_id)
