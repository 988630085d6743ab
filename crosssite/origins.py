"""Origin is the credential of a browser: which website a request comes from."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError

from channels.models import Channel
from crosssite.models import TrackedSite
from database.memory import ShortMemory
from web.hosts import read_web_address


@dataclass(frozen=True)
class Caller:
    """The website that a request comes from: the main site of `channel`, or a tracked site."""

    channel: Channel
    site: TrackedSite | None
    origin: str

    @property
    def site_id(self) -> int | None:
        return self.site.pk if self.site else None


async def find_caller(origin: str, channel: Channel) -> Caller | None:
    """The website that a browser with this `Origin` is on, or None.

    It is None if `channel` does not know the website, or it is disabled.
    """
    origin = origin.lower()
    if origin in main_origins(channel):
        return Caller(channel, None, origin)
    site = await _sites.find((channel.pk, origin))
    return Caller(channel, site, origin) if site else None


def _read_site(key: tuple[int, str]) -> TrackedSite | None:
    channel_id, origin = key
    sites = TrackedSite.objects.filter(channel=channel_id, url__iexact=origin, enabled=True)
    return sites.first()


_sites = ShortMemory(_read_site)


async def partner_origins(caller: Caller) -> list[str]:
    """The websites that a visitor of this one may take their contact along to."""
    if caller.site is not None:
        return sorted(main_origins(caller.channel))
    return await _tracked_origins.find(caller.channel.pk) or []


def _read_tracked_origins(channel_id: int) -> list[str]:
    sites = TrackedSite.objects.filter(channel=channel_id, enabled=True)
    return [url.lower() for url in sites.order_by("url").values_list("url", flat=True)]


_tracked_origins = ShortMemory(_read_tracked_origins)


def main_origins(channel: Channel) -> set[str]:
    """How browsers write the origin of the channel's main site."""
    domain = channel.domain.lower()
    is_local = domain.partition(":")[0].endswith("localhost")
    return {f"https://{domain}"} | ({f"http://{domain}"} if is_local else set())


def check_is_no_main_site(url: str, channel: Channel) -> None:
    """Refuse the URL of the channel's own main site for a tracked site.

    :raises ValidationError: if it is that
    """
    try:
        origin = str(read_web_address(url))
    except ValueError:
        return  # which the site itself says
    if origin in main_origins(channel):
        detail = "This is the main site of the channel: it is tracked anyway."
        raise ValidationError({"url": detail})


def main_site_url(channel: Channel) -> str:
    """Where the main site of the channel is, for the snippet."""
    # Of the two that a local main site has, the one that needs no certificate.
    return max(main_origins(channel), key=lambda origin: origin.startswith("http:"))
