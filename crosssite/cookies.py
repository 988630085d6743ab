"""The cookies of the main site's domain: who a visitor is, and what cookies they allow."""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from http.cookies import Morsel
from typing import Any
from uuid import UUID, uuid4

from django.core.signing import Signer
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare

from channels.models import Channel, CookieLevel
from contacts.models import Contact

# Python's cookies know this attribute from 3.14 on only.
Morsel._reserved.setdefault("partitioned", "Partitioned")  # type: ignore[attr-defined]
Morsel._flags.add("partitioned")  # type: ignore[attr-defined]

CURRENT_CONTACT = "CurrentContact"
CROSS_SITE_CONTACT = "CrossSiteContact"
# Its twin for browsers that refuse third-party cookies but accept partitioned ones.
CROSS_SITE_CONTACT_PARTITIONED = "CrossSiteContactPartitioned"
COOKIE_LEVEL = "CMSCookieLevel"
LANDING_PAGE_LOADED = "CMSLandingPageLoaded"
COOKIE_TEST = "KenticoCookiePolicyTest"
COOKIE_TEST_PARTITIONED = "KenticoCookiePolicyTestPartitioned"

_YEAR = 365 * 24 * 3600
_LANDING_SECONDS = 20 * 60
_TEST_SECONDS = 60
_LEVEL_OF = {
    CURRENT_CONTACT: CookieLevel.VISITOR,
    CROSS_SITE_CONTACT: CookieLevel.VISITOR,
    CROSS_SITE_CONTACT_PARTITIONED: CookieLevel.VISITOR,
    LANDING_PAGE_LOADED: CookieLevel.VISITOR,
}

_OURS = frozenset({COOKIE_TEST, COOKIE_TEST_PARTITIONED, COOKIE_LEVEL, *_LEVEL_OF})
_LONGEST_GUID = 36


class Jar:
    """Cookies to be set with an answer. What sets cookies here takes responses of Django's, too."""

    def __init__(self) -> None:
        self.cookies: dict[str, dict[str, Any]] = {}

    def set_cookie(self, name: str, value: str, **attributes: Any) -> None:
        """Set the cookie `name`, once: the last value counts."""
        self.cookies[name] = {"value": value, **attributes}

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of an answer that set them."""
        return [
            (b"set-cookie", _header_of(name, cookie).encode("latin1"))
            for name, cookie in self.cookies.items()
        ]


def _header_of(name: str, cookie: dict[str, Any]) -> str:
    return (
        f"{name}={cookie['value']}; Max-Age={cookie['max_age']}; Path=/; SameSite=None; Secure"
        f"{'; HttpOnly' if cookie['httponly'] else ''}"
        f"{'; Partitioned' if cookie.get('partitioned') else ''}"
    )


def read_guid(cookies: Mapping[str, str], name: str, channel: Channel) -> UUID | None:
    """The GUID of the contact in the cookie `name`, if its signature is ours for this channel."""
    guid, _, signature = cookies.get(name, "").partition(".")
    if not signature or len(guid) > _LONGEST_GUID:
        return None
    if not constant_time_compare(signature, _signature(guid, name, channel.guid)):
        return None
    try:
        return UUID(guid)
    except ValueError:
        return None


def read_level(cookies: Mapping[str, str]) -> int | None:
    """The cookie level of this browser, or None if it has none that is a number."""
    try:
        return int(cookies[COOKIE_LEVEL])
    except (KeyError, ValueError):
        return None


def set_current_contact(
    response: "Jar | HttpResponseBase", contact: Contact, channel: Channel
) -> None:
    """Make `contact` the one that this browser is on the main site."""
    value = _sign(contact, CURRENT_CONTACT, channel)
    _set(response, CURRENT_CONTACT, value, _YEAR)


def set_cross_site_contact(
    response: "Jar | HttpResponseBase", contact: Contact, channel: Channel
) -> None:
    """Make `contact` the one that this browser is on the tracked site that asks."""
    value = _sign(contact, CROSS_SITE_CONTACT, channel)
    _set(response, CROSS_SITE_CONTACT, value, _YEAR)
    value = _sign(contact, CROSS_SITE_CONTACT_PARTITIONED, channel)
    _set(response, CROSS_SITE_CONTACT_PARTITIONED, value, _YEAR, partitioned=True)


def set_level(response: "Jar | HttpResponseBase", level: int) -> None:
    """Set the cookie level of this browser, and delete every cookie that is above it."""
    _set(response, COOKIE_LEVEL, str(level), _YEAR, httponly=False)
    for name, needed in _LEVEL_OF.items():
        if needed > level:
            delete(response, name)


def set_landing_page_loaded(response: "Jar | HttpResponseBase") -> None:
    """Remember for twenty minutes from now that this visit has begun."""
    _set(response, LANDING_PAGE_LOADED, "true", _LANDING_SECONDS)


def set_cookie_test(response: "Jar | HttpResponseBase") -> None:
    """Set what the next request brings back if this browser takes cookies from us."""
    newcomer = str(uuid4())
    _set(response, COOKIE_TEST, newcomer, _TEST_SECONDS)
    _set(response, COOKIE_TEST_PARTITIONED, newcomer, _TEST_SECONDS, partitioned=True)


def read_cookie_test(cookies: Mapping[str, str]) -> UUID | None:
    """What names a browser that was only just asked whether it takes our cookies."""
    for name in (COOKIE_TEST, COOKIE_TEST_PARTITIONED):
        with suppress(ValueError):
            return UUID(cookies.get(name, ""))
    return None


def has_any(cookies: Mapping[str, str]) -> bool:
    """Whether this browser brought back any cookie of ours: it does not block them."""
    return not _OURS.isdisjoint(cookies)


def delete(response: "Jar | HttpResponseBase", name: str) -> None:
    """Delete the cookie `name`."""
    partitioned = name in (CROSS_SITE_CONTACT_PARTITIONED, COOKIE_TEST_PARTITIONED)
    _set(response, name, "", 0, partitioned=partitioned)


def _set(
    response: "Jar | HttpResponseBase",
    name: str,
    value: str,
    max_age: int,
    *,
    httponly: bool = True,
    partitioned: bool = False,
) -> None:
    # Tracked sites are other sites to a browser, so every cookie is a cross-site one.
    response.set_cookie(
        name, value, max_age=max_age, secure=True, httponly=httponly, samesite="None"
    )
    if partitioned:
        response.cookies[name]["partitioned"] = True


def _sign(contact: Contact, name: str, channel: Channel) -> str:
    return f"{contact.guid}.{_signature(str(contact.guid), name, channel.guid)}"


# A browser sends the same few again and again.
@lru_cache(maxsize=10_000)
def _signature(guid: str, name: str, channel_guid: UUID) -> str:
    return Signer(salt=f"crosssite.{name}.{channel_guid}").signature(guid)
