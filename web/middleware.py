"""What happens to requests before they reach a view: the hosts of all, the doors' own spelling."""

from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.urls import resolve

from database.loop import finish
from web.doors import door_at, with_single_slashes
from web.hosts import is_known_host
from web.requests import new_request_id


def is_door(path: str) -> bool:
    """Whether `path` belongs to a door."""
    return door_at(path) is not None


def request_id_of(request: HttpRequest) -> UUID:
    """The id that `DoorMiddleware` gave to a request of a door."""
    return request.request_id  # type: ignore[attr-defined]


class DoorMiddleware:
    """Give each request of a door an id, and its path the documented spelling.

    Paths match with or without a slash at the end, and in what other spellings the door has.
    The answer carries the id as `Request-Id`; what is recorded or refused keeps it. In paths of
    no door, such as the tracker's file, several slashes are one.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        door = door_at(request.path_info)
        if door is None:
            request.path = request.path_info = with_single_slashes(request.path_info)
            return self.get_response(request)
        request.request_id = new_request_id()  # type: ignore[attr-defined]
        request.path = request.path_info = door.spell(request.path_info.rstrip("/"))
        response = self.get_response(request)
        response["Request-Id"] = str(request_id_of(request))
        return response


class HostMiddleware:
    """Refuse requests for hosts that are neither in HUB_HOSTS nor the domain of a channel.

    With ADMIN_HOSTS, the admin answers on those only.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.get_host().lower()
        name, _ = split_domain_port(host)
        if not finish(is_known_host(host)):
            raise DisallowedHost(f"The host {host!r} is neither in ALLOWED_HOSTS nor a channel's.")
        is_admin = request.path_info.startswith("/admin")
        if is_admin and settings.ADMIN_HOSTS and not validate_host(name, settings.ADMIN_HOSTS):
            raise Http404("The admin does not answer on this host.")
        return self.get_response(request)


class ServeDoorsMiddleware:
    """Answer requests of the doors here, whatever middleware comes after this one.

    That is for people: sessions, forms, messages. Applications have none of it, and send far more
    requests.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_door(request.path_info):
            return self.get_response(request)
        request.resolver_match = match = _resolve(request.path_info)
        response = match.func(request, *match.args, **match.kwargs)
        return response.render() if hasattr(response, "render") else response


# Nearly all requests go to a handful of paths.
_resolve = lru_cache(maxsize=1_000)(resolve)
