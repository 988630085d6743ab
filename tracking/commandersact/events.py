"""Commanders Act-format events: one, several, or one by a picture."""

from collections.abc import Sequence

from django.utils.crypto import constant_time_compare

from activities.problems import InvalidActivity
from channels.known import channels_of_site
from channels.models import Channel
from tracking.browsers import is_browser, pixel
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
from tracking.exchanges import Recording
from tracking.nested import read_nested
from web.answers import Answer
from web.authorization import bearer_token
from web.bots import is_bot
from web.problems import Problem
from web.requests import Request

# Parameters of the query that are none of the event.
_SITE_ID = "tc_s"
_SOURCE_KEYS = ("token", "tc_skey")
_DO_NOT_TRACK = "tc_do_not_track"
_OF_THE_REQUEST = (_SITE_ID, *_SOURCE_KEYS, _DO_NOT_TRACK, "tc_firsttime")
_COOKIE = "CAID"
# The cookie of the same meaning on the domain of the original.
_COOKIES = (_COOKIE, "TCID")
_YEAR = 365 * 24 * 60 * 60


class FromSource(Recording):
    """A request with events of a source.

    Whatever a source sends is answered 200, as the format has it, unless it is too large or no
    JSON: the inspector says what was refused and why.
    """

    door = DOOR

    def __init__(self, request: Request):
        super().__init__(request)
        request.payload = b""

    async def record(self) -> Answer:
        request = self.request
        site_id = request.parameters.get(_SITE_ID, "").strip().replace("\0", "")
        sources = await channels_of_site(site_id)
        source = _find_source(sources, request)
        request.is_known = source is not None
        # A developer with a wrong key looks for it where the source is shown.
        request.channel = source or (sources[0] if len(sources) == 1 else None)
        events, answer = self.read()
        try:
            channel = self._usable_source()
        except InvalidActivity as problem:
            await self.note(problem)
            return answer
        # Containers send this to have events recorded without a cookie.
        is_cookieless = request.parameters.get(_DO_NOT_TRACK) == "true"
        cookie = next(filter(None, map(request.cookies.get, _COOKIES)), "")
        receiver = Receiver(
            channel,
            request.id,
            cookie="" if is_cookieless else cookie,
            browser=_browser_of(request),
        )
        await receiver.receive(events)
        if receiver.new_cookie and not is_cookieless:
            answer.headers.append((b"set-cookie", _cookie(receiver.new_cookie)))
        return answer

    def read(self) -> tuple[Sequence[Event], Answer]:
        """The events that came, and what to answer if they are understood.

        :raises Problem: 400, if they are too large or no JSON
        """
        raise NotImplementedError

    def read_body(self, limit: int) -> bytes:
        """The body of the request.

        :raises Problem: 400, if it is longer than `limit`
        """
        self.request.payload = self.request.body[: limit + 1]
        if len(self.request.body) > limit:
            raise Problem(400, "too_large", f"The body may have {limit:,} bytes at most.")
        return self.request.body

    def _usable_source(self) -> Channel:
        """The source that this request is from.

        :raises InvalidActivity: if its events are not to be recorded
        """
        channel = self.request.channel
        if channel is None or not self.request.is_known:
            raise InvalidActivity(
                "unknown_source",
                "token",
                "No source has this site ID (tc_s) and this source key (token). Compare them with "
                "“Settings, Tracking” in the admin.",
            )
        if not channel.source_enabled:
            raise InvalidActivity(
                "source_disabled", "", "The source is disabled: enable it in “Settings, Tracking”."
            )
        return channel


class SendEvent(FromSource):
    """Records one event."""

    def read(self) -> tuple[Sequence[Event], Answer]:
        event = read_event(self.read_body(MAX_EVENT_BYTES))
        self.request.test_code = event.test_code
        return [event], _nothing()


class SendPixel(FromSource):
    """Records the event that the query describes; answers a picture of one pixel."""

    def read(self) -> tuple[Sequence[Event], Answer]:
        sent = self.request.query.encode("latin-1", "replace")
        query = sent.decode(errors="replace")
        self.request.payload = _without_keys(query).encode(errors="replace")
        if len(sent) > MAX_EVENT_BYTES:
            raise Problem(400, "too_large", f"The query may have {MAX_EVENT_BYTES:,} bytes.")
        fields = read_nested(query)
        event = make_event(read_pixel(fields, _OF_THE_REQUEST), self.request.payload)
        event.texts_only = True
        self.request.test_code = event.test_code
        return [event], pixel()


class SendBatch(FromSource):
    """Records several events, each for itself."""

    def read(self) -> tuple[Sequence[Event], Answer]:
        return read_batch(self.read_body(MAX_BATCH_BYTES)), _nothing()


def _nothing() -> Answer:
    """What the format answers to everything that it understands."""
    return Answer.of(b"", headers={"Cache-Control": "no-store"})


def _find_source(sources: Sequence[Channel], request: Request) -> Channel | None:
    """The one of `sources` whose source key this request has, or None."""
    given = [request.parameters.get(name, "") for name in _SOURCE_KEYS]
    given.append(bearer_token(request.headers.get("authorization", "")))
    # Keys may have a plus, which stands for a space in a query if it is not escaped.
    key = next(filter(None, given), "").replace(" ", "+")
    return next((one for one in sources if constant_time_compare(one.source_key, key)), None)


def _browser_of(request: Request) -> Browser | None:
    if not is_browser(request):
        return None
    return Browser(address=request.address, is_robot=is_bot(request.user_agent))


def _cookie(caid: str) -> bytes:
    # Tracked websites are other sites to a browser, so this is a cross-site cookie.
    return (f"{_COOKIE}={caid}; Max-Age={_YEAR}; Path=/; SameSite=None; Secure; HttpOnly").encode()


def _without_keys(query: str) -> str:
    """`query` without what proves that the source may send: nobody has to see that later."""
    kept = (part for part in query.split("&") if part.partition("=")[0] not in _SOURCE_KEYS)
    return "&".join(kept)
