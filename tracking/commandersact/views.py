"""Commanders Act-format events: one, several, or one by a picture."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from rest_framework.request import Request

from activities.problems import InvalidActivity, Status
from channels.known import channels_of_site
from channels.models import Channel
from tracking.browsers import is_browser, pixel
from tracking.commandersact import schema
from tracking.commandersact.receiving import DOOR, Browser, Receiver
from tracking.commandersact.translation import (
    MAX_BATCH_BYTES,
    MAX_EVENT_BYTES,
    Event,
    make_event,
    read_batch,
    read_event,
    read_pixel,
)
from tracking.nested import read_nested
from tracking.problems import Problem
from tracking.views import DoorView
from web.addresses import client_address
from web.bots import is_bot

# Parameters of the query that are none of the event.
_SITE_ID = "tc_s"
_SOURCE_KEYS = ("token", "tc_skey")
_DO_NOT_TRACK = "tc_do_not_track"
_OF_THE_REQUEST = (_SITE_ID, *_SOURCE_KEYS, _DO_NOT_TRACK, "tc_firsttime")
_COOKIE = "CAID"
# The cookie of the same meaning on the domain of the original.
_COOKIES = (_COOKIE, "TCID")
_YEAR = 365 * 24 * 60 * 60


class SourceView(DoorView):
    """A view that takes events from a source.

    Whatever a source sends is answered 200, as the format has it, unless it is too large or no
    JSON: the inspector says what was refused and why.
    """

    authentication_classes = ()
    door = DOOR
    # A picture's request records an event, too.
    safe_methods = ("OPTIONS",)
    kept_methods = ("GET", "POST")
    body = b""

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        sources = channels_of_site(_read_site_id(request._request))
        source = _find_source(sources, request._request)
        self.has_shown_a_key = source is not None
        # Whoever has a wrong key looks for it where the source is shown.
        self.channel = source or (sources[0] if len(sources) == 1 else None)

    def payload(self) -> bytes:
        return self.body

    def read_body(self, limit: int) -> bytes:
        """The body of the request.

        :raises Problem: 400, if it is longer than `limit`
        """
        self.body = self.request._request.read(limit + 1)
        if len(self.body) > limit:
            raise Problem(400, "too_large", f"The body may have {limit:,} bytes at most.")
        return self.body

    def take(self, events: Iterable[Event], response: HttpResponse) -> HttpResponse:
        """Record the events, or say in the inspector why not; return `response` with its cookie."""
        request = self.request._request
        try:
            channel = self._usable_source(request)
        except InvalidActivity as problem:
            self.keep(problem)
            return response
        receiver = Receiver(
            channel,
            self.request_id,
            cookie=next(filter(None, map(request.COOKIES.get, _COOKIES)), ""),
            browser=_browser_of(request),
        )
        receiver.receive(events)
        if receiver.new_cookie:
            # Tracked websites are other sites to a browser, so this is a cross-site cookie.
            response.set_cookie(
                _COOKIE,
                receiver.new_cookie,
                max_age=_YEAR,
                secure=True,
                httponly=True,
                samesite="None",
            )
        return response

    def _usable_source(self, request: HttpRequest) -> Channel:
        """The source that this request is from.

        :raises InvalidActivity: if its events are not to be recorded
        """
        if self.channel is None or not self.has_shown_a_key:
            raise InvalidActivity(
                "unknown_source",
                "token",
                "No source has this site ID (tc_s) and this source key (token). Compare them with "
                "“Settings, Tracking” in the admin.",
            )
        if not self.channel.source_enabled:
            raise InvalidActivity(
                "source_disabled", "", "The source is disabled: enable it in “Settings, Tracking”."
            )
        if request.GET.get(_DO_NOT_TRACK) == "true":
            self.body = b""
            raise InvalidActivity(
                "do_not_track", _DO_NOT_TRACK, "The user is not to be tracked.", Status.FILTERED
            )
        return self.channel


class EventsView(SourceView):
    @schema.send_event
    def post(self, request: Request) -> HttpResponse:
        """Record one event."""
        event = read_event(self.read_body(MAX_EVENT_BYTES))
        self.test_code = event.test_code
        return self.take([event], _nothing())

    @schema.send_pixel
    def get(self, request: Request) -> HttpResponse:
        """Record the event that the query describes; answer a picture of one pixel."""
        sent = request._request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
        query = sent.decode(errors="replace")
        self.body = _without_keys(query).encode(errors="replace")
        if len(sent) > MAX_EVENT_BYTES:
            raise Problem(400, "too_large", f"The query may have {MAX_EVENT_BYTES:,} bytes.")
        fields = read_nested(query)
        event = make_event(read_pixel(fields, _OF_THE_REQUEST), self.body)
        event.texts_only = True
        self.test_code = event.test_code
        return self.take([event], pixel())


class BatchView(SourceView):
    @schema.send_batch
    def post(self, request: Request) -> HttpResponse:
        """Record several events, each for itself."""
        return self.take(read_batch(self.read_body(MAX_BATCH_BYTES)), _nothing())


def _nothing() -> HttpResponse:
    """What the format answers to everything that it understands."""
    return HttpResponse(headers={"Content-Length": "0", "Cache-Control": "no-store"})


def _read_site_id(request: HttpRequest) -> str:
    return request.GET.get(_SITE_ID, "").strip().replace("\0", "")


def _find_source(sources: Iterable[Channel], request: HttpRequest) -> Channel | None:
    """The one of `sources` whose source key this request has, or None."""
    scheme, _, bearer = request.headers.get("Authorization", "").strip().partition(" ")
    given = [request.GET.get(name, "") for name in _SOURCE_KEYS]
    given.append(bearer.strip() if scheme.lower() == "bearer" else "")
    # Keys may have a plus, which stands for a space in a query if it is not escaped.
    key = next(filter(None, given), "").replace(" ", "+")
    return next((one for one in sources if constant_time_compare(one.source_key, key)), None)


def _browser_of(request: HttpRequest) -> Browser | None:
    if not is_browser(request):
        return None
    user_agent = request.headers.get("User-Agent", "")
    return Browser(address=client_address(request), is_robot=is_bot(user_agent))


def _without_keys(query: str) -> str:
    """`query` without what proves that the source may send: nobody has to see that later."""
    kept = (part for part in query.split("&") if part.partition("=")[0] not in _SOURCE_KEYS)
    return "&".join(kept)
