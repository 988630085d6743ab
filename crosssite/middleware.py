"""For main sites that are made with Django: who the visitor of a request is."""

from collections.abc import Callable
from functools import cache, cached_property

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from channels.known import channel_of_host
from channels.models import CookieLevel
from contacts.models import Contact
from crosssite.personalising import add_groups
from crosssite.visitors import Visitor, join, recognise, remember
from database.loop import finish
from web.requests import Request


class CurrentContactMiddleware:
    """Give requests of a main site `contact` and `cookie_level`, and keep the visitor's cookies.

    `request.contact` is the contact of this visitor: None if there is none, or if they must not be
    tracked. Its `groups` are the code names of the contact groups that it is in.
    `request.cookie_level` is a number, see CookieLevel. A request that asks for none of it costs
    nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.__class__ = _with_visitor(type(request))  # type: ignore[arg-type]
        response = self.get_response(request)
        if "visitor" in vars(request):
            patch_vary_headers(response, ["Cookie"])
            if visitor := vars(request)["visitor"]:
                if not settings.READ_ONLY:
                    finish(join(visitor))
                remember(response, visitor)
        return response


class _RequestOfVisitor(HttpRequest):
    """What a request knows about its visitor, looked up when it is asked for."""

    @cached_property
    def visitor(self) -> Visitor | None:
        request = Request.of_django(self, b"")
        return finish(_recognise(request))

    @property
    def contact(self) -> Contact | None:
        visitor = self.visitor
        if visitor is None or visitor.contact is None or not visitor.may_be_tracked:
            return None
        return add_groups(visitor.contact)

    @property
    def cookie_level(self) -> int:
        return self.visitor.cookie_level if self.visitor else CookieLevel.ESSENTIAL


async def _recognise(request: Request) -> Visitor | None:
    channel = await channel_of_host(request.host)
    return await recognise(request, channel, None) if channel else None


@cache
def _with_visitor(kind: type[HttpRequest]) -> type[HttpRequest]:
    # A lazy object would do as well, if only it could be None.
    return type(kind.__name__, (_RequestOfVisitor, kind), {})
