"""The cookies of the main site's domain: who a visitor is, and what cookies they allow."""

from contextlib import suppress
from http.cookies import Morsel
from uuid import UUID, uuid4

from django.core.signing import Signer
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare

from channels.models import Channel, CookieLevel
from contacts.models import Contact
from contacts.resolving import find_contact

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


def read_contact(request: HttpRequest, name: str, channel: Channel) -> Contact | None:
    """The contact in the cookie `name`, if its signature is ours for this channel."""
    guid, _, signature = request.COOKIES.get(name, "").partition(".")
    if not signature or not constant_time_compare(signature, _signature(guid, name, channel)):
        return None
    try:
        return find_contact(UUID(guid))
    except ValueError:
        return None


def read_level(request: HttpRequest) -> int | None:
    """The cookie level of this browser, or None if it has none that is a number."""
    try:
        return int(request.COOKIES[COOKIE_LEVEL])
    except (KeyError, ValueError):
        return None


def set_current_contact(response: HttpResponseBase, contact: Contact, channel: Channel) -> None:
    """Make `contact` the one that this browser is on the main site."""
    value = _sign(contact, CURRENT_CONTACT, channel)
    _set(response, CURRENT_CONTACT, value, _YEAR)


def set_cross_site_contact(response: HttpResponseBase, contact: Contact, channel: Channel) -> None:
    """Make `contact` the one that this browser is on the tracked site that asks."""
    value = _sign(contact, CROSS_SITE_CONTACT, channel)
    _set(response, CROSS_SITE_CONTACT, value, _YEAR)
    value = _sign(contact, CROSS_SITE_CONTACT_PARTITIONED, channel)
    _set(response, CROSS_SITE_CONTACT_PARTITIONED, value, _YEAR, partitioned=True)


def set_level(response: HttpResponseBase, level: int) -> None:
    """Set the cookie level of this browser, and delete every cookie that is above it."""
    _set(response, COOKIE_LEVEL, str(level), _YEAR, httponly=False)
    for name, needed in _LEVEL_OF.items():
        if needed > level:
            delete(response, name)


def set_landing_page_loaded(response: HttpResponseBase) -> None:
    """Remember for twenty minutes from now that this visit has begun."""
    _set(response, LANDING_PAGE_LOADED, "true", _LANDING_SECONDS)


def set_cookie_test(response: HttpResponseBase) -> None:
    """Set what the next request brings back if this browser takes cookies from us."""
    newcomer = str(uuid4())
    _set(response, COOKIE_TEST, newcomer, _TEST_SECONDS)
    _set(response, COOKIE_TEST_PARTITIONED, newcomer, _TEST_SECONDS, partitioned=True)


def read_cookie_test(request: HttpRequest) -> UUID | None:
    """What names a browser that was only just asked whether it takes our cookies."""
    for name in (COOKIE_TEST, COOKIE_TEST_PARTITIONED):
        with suppress(ValueError):
            return UUID(request.COOKIES.get(name, ""))
    return None


def has_any(request: HttpRequest) -> bool:
    """Whether this browser brought back any cookie of ours: it does not block them."""
    ours = {COOKIE_TEST, COOKIE_TEST_PARTITIONED, COOKIE_LEVEL, *_LEVEL_OF}
    return not ours.isdisjoint(request.COOKIES)


def delete(response: HttpResponseBase, name: str) -> None:
    """Delete the cookie `name`."""
    partitioned = name in (CROSS_SITE_CONTACT_PARTITIONED, COOKIE_TEST_PARTITIONED)
    _set(response, name, "", 0, partitioned=partitioned)


def _set(
    response: HttpResponseBase,
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
    return f"{contact.guid}.{_signature(str(contact.guid), name, channel)}"


def _signature(guid: str, name: str, channel: Channel) -> str:
    return Signer(salt=f"crosssite.{name}.{channel.guid}").signature(guid)
