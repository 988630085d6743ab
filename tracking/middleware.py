"""What every door's requests have in common before they reach a view."""

import uuid
from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

_HEADLESS = "/kentico.tracking"
# Every path at which a door answers, and everything below it.
_DOORS = (_HEADLESS, "/api/3", "/event", "/visit", "/events", "/cdp", "/v2")
# Websites that send Commanders Act-format events to a domain of their own have this in front.
_COLLECTION_PREFIX = "/cdp"
# Which segments of a path below /Kentico.Tracking/ are fixed words; the others are values.
_FIXED_SEGMENTS = (0, 2)


def is_door(path: str) -> bool:
    """Whether `path` belongs to a wire format that applications speak."""
    path = path.lower()
    return any(path == door or path.startswith(f"{door}/") for door in _DOORS)


def request_id_of(request: HttpRequest) -> uuid.UUID:
    """The id that `DoorMiddleware` gave to a request of a door."""
    return request.request_id  # type: ignore[attr-defined]


class DoorMiddleware:
    """Give each request of a door an id, and its path the documented spelling.

    Paths match with or without a slash at the end, those of the headless API in any letter case.
    The answer carries the id as `Request-Id`; what is recorded or refused keeps it.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_door(request.path_info):
            return self.get_response(request)
        request.request_id = uuid.uuid4()  # type: ignore[attr-defined]
        request.path = request.path_info = _canonical(request.path_info)
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


def _canonical(path: str) -> str:
    path = path.rstrip("/")
    if path.startswith(f"{_COLLECTION_PREFIX}/"):
        return path.removeprefix(_COLLECTION_PREFIX)
    if not path.lower().startswith(_HEADLESS):
        return path
    segments = path.split("/")[2:]
    for index in _FIXED_SEGMENTS:
        if index < len(segments):
            segments[index] = segments[index].lower()
    return "/".join(["", "Kentico.Tracking", *segments])
