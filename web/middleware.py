"""What every door's requests have in common before they reach a view."""

from functools import lru_cache
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from web.doors import door_at
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
    The answer carries the id as `Request-Id`; what is recorded or refused keeps it.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        door = door_at(request.path_info)
        if door is None:
            return self.get_response(request)
        request.request_id = new_request_id()  # type: ignore[attr-defined]
        request.path = request.path_info = door.spell(request.path_info.rstrip("/"))
        response = self.get_response(request)
        response["Request-Id"] = str(request_id_of(request))
        return response


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
