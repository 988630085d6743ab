"""Commanders Act-format events: one, several, or one by a picture."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence

from django.utils.crypto import constant_time_compare

from activities.problems import InvalidActivity
from channels.known import channels_of_site
from channels.models import Channel
from tracking.browsers import is_browser, pixel
from tracking.commandersact.receiver import DOOR, Browser, Receiver
from tracking.commandersact.translation import (
    DO_NOT_TRACK,
    MAX_BATCH_BYTES,
    MAX_EVENT_BYTES,
    SITE_ID,
    SOURCE_KEYS,
    Event,
    read_batch,
    read_event,
    read_query,
)
from tracking.exchanges import Recording
from web.answers import Answer
from web.authorization import bearer_token
from web.bots import is_bot
from web.problems import Problem
from web.requests import Request

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
    # How what the inspector keeps of it is to be read again.
    kind: str

    def __init__(self, request: Request):
        super().__init__(request)
        request.payload = b""

    async def record(self) -> Answer:
        request = self.request
        site_id = request.parameters.get(SITE_ID, "").strip().replace("\0", "")
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
        is_cookieless = request.parameters.get(DO_NOT_TRACK) == "true"
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

    @abstractmethod
    def read(self) -> tuple[Iterable[Event], Answer]:
        """The events that came, and what to answer if they are understood.

        :raises Problem: 400, if they are too large or no JSON
        """

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
            is_of_browser = is_browser(self.request)
            self.request.context = {"kind": self.kind, "browser": is_of_browser}
            raise InvalidActivity(
                "source_disabled", "", "The source is disabled: enable it in “Settings, Tracking”."
            )
        return channel


class SendEvent(FromSource):
    """Records one event."""

    kind = "event"

    def read(self) -> tuple[Iterable[Event], Answer]:
        event = read_event(self.read_body(MAX_EVENT_BYTES))
        self.request.test_code = event.test_code
        return [event], _nothing()


class SendPixel(FromSource):
    """Records the event that the query describes; answers a picture of one pixel."""

    kind = "pixel"

    def read(self) -> tuple[Iterable[Event], Answer]:
        sent = self.request.query.encode("latin-1", "replace")
        query = sent.decode(errors="replace")
        self.request.payload = _without_keys(query).encode(errors="replace")
        if len(sent) > MAX_EVENT_BYTES:
            raise Problem(400, "too_large", f"The query may have {MAX_EVENT_BYTES:,} bytes.")
        event = read_query(query, self.request.payload)
        self.request.test_code = event.test_code
        return [event], pixel()


class SendBatch(FromSource):
    """Records several events, each for itself."""

    kind = "batch"

    def read(self) -> tuple[Iterable[Event], Answer]:
        return read_batch(self.read_body(MAX_BATCH_BYTES)), _nothing()


def _nothing() -> Answer:
    """What the format answers to everything that it understands."""
    return Answer.of(b"", headers={"Cache-Control": "no-store"})


def _find_source(sources: Sequence[Channel], request: Request) -> Channel | None:
    """The one of `sources` whose source key this request has, or None."""
    given = [request.parameters.get(name, "") for name in SOURCE_KEYS]
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
    kept = (part for part in query.split("&") if part.partition("=")[0] not in SOURCE_KEYS)
    return "&".join(kept)
