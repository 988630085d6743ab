"""Origin is the credential of a browser: which website a request comes from."""

from dataclasses import dataclass

from django.http import HttpRequest

from channels.models import Channel
from crosssite.models import TrackedSite
from database.memory import ShortMemory


@dataclass(frozen=True)
class Caller:
    """The website that a request comes from: the main site of `channel`, or a tracked site."""

    channel: Channel
    site: TrackedSite | None
    origin: str

    @property
    def site_id(self) -> int | None:
        return self.site.pk if self.site else None


def find_caller(request: HttpRequest, channel: Channel) -> Caller | None:
    """The website that this browser is on, if `channel` knows it and it is enabled, or None."""
    origin = request.headers.get("Origin", "").lower()
    if origin in main_origins(channel):
        return Caller(channel, None, origin)
    site = _sites.get((channel.pk, origin))
    return Caller(channel, site, origin) if site else None


def _read_site(key: tuple[int, str]) -> TrackedSite | None:
    channel_id, origin = key
    sites = TrackedSite.objects.filter(channel=channel_id, url__iexact=origin, enabled=True)
    return sites.first()


_sites = ShortMemory(_read_site)


def partner_origins(caller: Caller) -> list[str]:
    """The websites that a visitor of this one may take their contact along to."""
    if caller.site is not None:
        return sorted(main_origins(caller.channel))
    sites = TrackedSite.objects.filter(channel=caller.channel, enabled=True)
    return [url.lower() for url in sites.order_by("url").values_list("url", flat=True)]


def main_origins(channel: Channel) -> set[str]:
    """How browsers write the origin of the channel's main site."""
    domain = channel.domain.lower()
    is_local = domain.partition(":")[0].endswith("localhost")
    return {f"https://{domain}"} | ({f"http://{domain}"} if is_local else set())


def main_site_url(channel: Channel) -> str:
    """Where the main site of the channel is, for the snippet."""
    # Of the two that a local main site has, the one that needs no certificate.
    return max(main_origins(channel), key=lambda origin: origin.startswith("http:"))
