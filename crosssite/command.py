"""How the hub deals with a command of the tracker: who may, for whom, and what is kept of a no."""

from abc import abstractmethod
from contextlib import suppress
from typing import Any

from django.conf import settings

from activities.inspector import is_sampled, keep_refused_request
from activities.problems import InvalidActivity, Status
from activities.recording import Source, add_soon, refuse_if_stuck
from channels.known import channel_of_host
from channels.models import Channel
from consents.finding import find_consent
from consents.models import Consent
from contacts.models import Contact
from crosssite import cookies
from crosssite.bodies import read_command
from crosssite.hits import Hit, among_unknown_origins, make_hit
from crosssite.models import BrowserHits
from crosssite.origins import Caller, find_caller
from crosssite.visitors import Visitor, ensure_contact, join, recognise, remember
from database.loop import Busy, in_thread
from web.answers import Answer, Headers
from web.bodies import UNDECODABLE, explain
from web.bots import is_bot
from web.cors import readable_by
from web.exchanges import Exchange
from web.limits import is_within
from web.problems import ERASED, Problem, read_only
from web.requests import Request

DOOR = "crosssite"
Ending = BrowserHits.Outcome


class Refusal(Problem):
    """The command is not carried out; with status 204 the page does not even learn of it."""

    def __init__(self, status: int, outcome: Ending, code: str, detail: str, field: str = ""):
        super().__init__(status, code, detail, field=field)
        self.outcome = outcome


def invalid(detail: str) -> Refusal:
    """What to raise about a command that breaks a rule."""
    return Refusal(400, Ending.INVALID, "invalid", detail)


class Command(Exchange):
    """A command of the tracker: a POST whose body is a JSON object, from a website that we know.

    The body comes as text/plain: so no preflight is needed, and a page can still send it while it
    is being left. Subclasses implement `do`.
    """

    # Whether the command may make a contact, or record what one does.
    tracks = True
    writes = True

    channel: Channel
    caller: Caller | None = None
    visitor: Visitor | None = None

    def __init__(self, request: Request):
        super().__init__(request)
        self.given: dict[str, Any] = {}
        self.jar = cookies.Jar()

    async def carry_out(self) -> Answer:
        caller = await self._find_caller()
        if self.writes and settings.READ_ONLY:
            raise read_only()
        refuse_if_stuck()
        self.given = self._read_body()
        self._refuse_bots()
        try:
            self.visitor = await recognise(self.request, self.channel, caller.site)
            answer = await self.do(self.visitor)
            if not settings.READ_ONLY:
                await join(self.visitor)
        except Busy:
            # As if the command had not been sent.
            self.visitor = None
            raise
        except Contact.DoesNotExist:
            # Nobody is to be recognised by it.
            self.visitor = None
            detail = "The contact was erased just now."
            raise Refusal(404, Ending.INVALID, ERASED, detail) from None
        return answer

    @abstractmethod
    async def do(self, visitor: Visitor) -> Answer:
        """Do what the command asks for.

        :raises Refusal: if the visitor may not, or the command is wrong
        """

    def refuse(self, problem: Problem) -> Answer:
        if problem.status == 204:
            return Answer.of(b"", status=204)
        return super().refuse(problem)

    async def headers(self) -> Headers:
        if self.visitor is not None:
            remember(self.jar, self.visitor)
        headers = [(b"cache-control", b"no-store"), *self.jar.headers]
        if self.caller is not None:
            headers += readable_by(self.request.origin, with_cookies=True)
        return headers

    async def keep(self, problem: Problem) -> None:
        if problem.code in ("unknown_host", "server_error") or settings.READ_ONLY:
            return
        outcome = problem.outcome if isinstance(problem, Refusal) else Ending.INVALID
        await self.count(outcome)
        if not is_sampled(f"{self.request.address} {problem.code}"):
            return
        # Nothing is kept of these but that they came.
        is_held_back = problem.status == 204 or problem.code == ERASED
        payload = self.request.readable_body
        await in_thread(
            keep_refused_request,
            InvalidActivity(
                problem.code,
                "",
                f"{problem.detail} ({self.request.origin[:200]})",
                Status.FILTERED if is_held_back else Status.INVALID_REJECTED,
                is_untracked=is_held_back,
            ),
            door=DOOR,
            request_id=self.request.id,
            payload=payload,
            payload_length=len(payload),
            is_stranger=True,
        )

    async def ask_for_cookies(self, visitor: Visitor) -> Answer | None:
        """None if this browser takes our cookies, else the answer that finds out.

        A browser that blocks cookies would be a new contact with every request. So the first answer
        only sets a cookie, and the command is sent again; a contact is made when that came back.
        """
        if visitor.contact is not None or cookies.has_any(self.request.cookies):
            return None
        if self.given.get("cookietest") is True:
            await self.count(Ending.COOKIES)
            return Answer.json({"cookiesBlocked": True})
        cookies.set_cookie_test(self.jar)
        return Answer.json({"cookieTest": True})

    async def need_contact(self, visitor: Visitor) -> Contact:
        """The contact of the visitor, made now if there was none.

        :raises Refusal: if too many were made for this address
        """
        if visitor.contact is None:
            await in_thread(self._limit_new_contacts)
            await in_thread(ensure_contact, visitor)
        assert visitor.contact is not None
        return visitor.contact

    async def get_consent(self) -> Consent:
        """The consent that the command names.

        :raises Refusal: if there is none
        """
        code_name = self.given.get("codename")
        if not isinstance(code_name, str) or "\0" in code_name:
            raise invalid("codeName must be the code name of a consent.")
        consent = await in_thread(find_consent, code_name)
        if consent is None:
            raise Refusal(404, Ending.INVALID, "unknown_consent", "There is no such consent.")
        return consent

    def get_language(self) -> str:
        """The language that the command names, if any; `cultureCode` is what it was called once."""
        language = self.given.get("languagename") or self.given.get("culturecode") or ""
        return language if isinstance(language, str) else ""

    def hit(self, outcome: Ending, times: int = 1) -> Hit:
        """What the site doctor counts of this request."""
        page_url, version = self.given.get("page"), self.given.get("version")
        return make_hit(
            self.channel,
            self.request.origin,
            outcome,
            page_url=page_url if isinstance(page_url, str) else "",
            version=version if isinstance(version, str) else "",
            times=times,
        )

    async def count(self, outcome: Ending) -> None:
        """Count this request for the site doctor."""
        hit = self.hit(outcome)
        if outcome == Ending.ORIGIN:
            hit = await in_thread(among_unknown_origins, hit)
        # If the database does not keep up, what it is busy with counts more than this.
        with suppress(Busy):
            await add_soon([hit], source=self.source)

    @property
    def source(self) -> Source:
        """Where the activities of this command come from."""
        return Source(
            door=DOOR,
            channel=self.channel,
            tracked_site_id=self.caller.site_id if self.caller else None,
            request_id=self.request.id,
        )

    async def _find_caller(self) -> Caller:
        channel = await channel_of_host(self.request.host)
        if channel is None:
            detail = "No website channel has the domain that this was sent to."
            raise Refusal(404, Ending.ORIGIN, "unknown_host", detail)
        self.channel = channel
        self.caller = await find_caller(self.request.origin, channel)
        if self.caller is None:
            detail = "The Origin is neither the main site nor an enabled tracked site of it."
            raise Refusal(403, Ending.ORIGIN, "unknown_origin", detail)
        return self.caller

    def _read_body(self) -> dict[str, Any]:
        if len(self.request.body) > settings.MAX_BODY_BYTES:
            raise Refusal(413, Ending.INVALID, "too_large", "The body is too large.")
        try:
            return read_command(self.request.body)
        except UNDECODABLE as error:
            raise invalid(f"The body must be a JSON object: {explain(error)}.") from None

    def _refuse_bots(self) -> None:
        if self.tracks and is_bot(self.request.user_agent):
            raise Refusal(204, Ending.BOT, "bot", "A known bot.")

    def _limit_new_contacts(self) -> None:
        assert self.caller is not None
        bucket = f"new-contacts:{self.caller.origin}:{self.request.address}"
        limit = settings.NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR
        if not is_within(limit, seconds=3600, bucket=bucket):
            detail = "Too many new visitors from this address; try again later."
            raise Refusal(429, Ending.LIMIT, "too_many_contacts", detail)
