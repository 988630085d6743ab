"""Channels by what requests name them: a host, an account ID or a site ID.

Each process remembers its answers for a moment (`database.memory`): every request asks for one.
"""

from django.http.request import split_domain_port

from channels.models import Channel
from channels.origins import origin_matches
from database.memory import ShortMemory


def may_read(origin: str, channel: Channel | None) -> bool:
    """Whether a page of `origin` may read what is answered to `channel`.

    As long as nobody knows the channel, as in a preflight, those that any channel allows may.
    """
    if channel is not None:
        return origin_matches(origin, channel.allowed_origins)
    configured = Channel.objects.exclude(allowed_origins=[])
    return any(
        origin_matches(origin, allowed)
        for allowed in configured.values_list("allowed_origins", flat=True)
    )


async def is_website(host: str) -> bool:
    """Whether a website channel has this domain. `host` is in lower case, with its port if any."""
    domains = await _domains.find(Channel.Kind.WEBSITE) or frozenset()
    return host in domains or split_domain_port(host)[0] in domains


async def channel_of_host(host: str) -> Channel | None:
    """The website channel with this domain, or None. `host` is in lower case, as in `Host`.

    A domain with the port of `host` comes before one without.
    """
    return await _by_host.find(host)


async def channel_of_account(account_id: str) -> Channel | None:
    """The channel with this account ID of the ActiveCampaign format, or None."""
    return await _by_account_id.find(account_id)


async def channels_of_site(site_id: str) -> tuple[Channel, ...]:
    """The channels with this site ID of the Commanders Act format: the sources of a site."""
    return await _by_site_id.find(site_id) or ()


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
