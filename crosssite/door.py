"""The tracking of websites, as the table of doors has it."""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from channels.known import channel_of_host
from crosssite import commands
from crosssite.command import DOOR as NAME
from crosssite.examples import lines
from crosssite.origins import find_caller
from crosssite.replaying import read_again
from database.loop import finish
from web.doors import Door

_ROOT = "/Kentico.CrossSiteTracking"


def _may_read(request: HttpRequest) -> bool:
    """Whether the channel of the host knows the website that the request comes from."""
    try:
        host = request.get_host().lower()
    except DisallowedHost:  # the request itself is refused for it
        return False
    return finish(_is_known(host, request.headers.get("origin", "")))


async def _is_known(host: str, origin: str) -> bool:
    channel = await channel_of_host(host)
    return channel is not None and await find_caller(origin, channel) is not None


DOOR = Door(
    name=NAME,
    title="Website tracking",
    urls=["crosssite.urls"],
    paths=[_ROOT.lower()],
    exchanges={
        ("POST", f"{_ROOT}/ConsentData"): commands.ConsentData,
        ("POST", f"{_ROOT}/ConsentStatus"): commands.ConsentStatus,
        ("POST", f"{_ROOT}/ConsentAgree"): commands.ConsentAgree,
        ("POST", f"{_ROOT}/ConsentRevoke"): commands.ConsentRevoke,
        ("POST", f"{_ROOT}/ContactGroups"): commands.ContactGroups,
        ("POST", f"{_ROOT}/Log"): commands.Log,
        ("POST", f"{_ROOT}/Link"): commands.Link,
        ("POST", f"{_ROOT}/Arrive"): commands.Arrive,
    },
    may_read=_may_read,
    read_again=read_again,
    lines=lines,
    cookie_paths=[_ROOT],
)
