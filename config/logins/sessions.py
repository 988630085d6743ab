"""Sessions of users: where each is logged in, since when, and in which time zone it sees times."""

import re
import zoneinfo
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from adminsite.audit import note
from adminsite.models import UserZone

_SEEN, _ZONE = "seen_at", "time_zone"
# A page of the admin writes down that its user was seen this often only.
_BETWEEN_SIGHTINGS = timedelta(minutes=5)

# In this order: browsers name those that they are like, too.
_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)


class KnownSessionMiddleware:
    """Keeps where a user of the admin was seen last, and shows times in the zone of that user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/") or not isinstance(request.user, User):
            return self.get_response(request)
        _see(request)
        with timezone.override(zone_of(request)):
            return self.get_response(request)


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """The time zone that the user of `request` chose; None if that is the hub's."""
    name = request.session.get(_ZONE)
    if name is None:
        chosen = UserZone.objects.filter(user=request.user.pk).values_list("zone", flat=True)
        name = request.session[_ZONE] = chosen.first() or ""
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        # Zones are renamed now and then, and another machine may know fewer.
        return None


def choose_zone(user: User, name: str) -> None:
    """Show `user` times in the zone `name` from now on, in every session; "" is the hub's zone.

    :raises ValueError: if there is no such zone
    """
    if name and name not in zoneinfo.available_timezones():
        raise ValueError(f"There is no time zone {name!r}.")
    if name:
        UserZone.objects.update_or_create(user=user, defaults={"zone": name})
    else:
        UserZone.objects.filter(user=user).delete()
    for one in sessions().filter(user=user):
        store = import_module(settings.SESSION_ENGINE).SessionStore(one.session_key)
        store[_ZONE] = name
        store.save()


def sessions() -> QuerySet[UserSession]:
    """The sessions of all users that have neither ended nor expired."""
    alive = Session.objects.filter(expire_date__gt=timezone.now())
    return UserSession.objects.filter(session_key__in=alive.values("session_key"))


def end(session: UserSession) -> None:
    """Log the browser of `session` out, and say so in the audit log."""
    session.end()
    note(f"Ended a session of {session.user}.", model=UserSession, object_id=session.pk)


def forget_ended() -> None:
    """Delete sessions that have expired, and what is known of such as have ended."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    there = Session.objects.values("session_key")
    UserSession.objects.exclude(session_key__in=there).delete()


def device(user_agent: str) -> str:
    """A browser as people know it, such as “Firefox on Windows”."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent[:40] or "Unknown"


def _first(kinds: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in kinds if re.search(pattern, text)), "")


def _see(request: HttpRequest) -> None:
    now = timezone.now().timestamp()
    if now - request.session.get(_SEEN, 0) > _BETWEEN_SIGHTINGS.total_seconds():
        request.session[_SEEN] = int(now)
        UserSession.objects.create_from_request(request)
