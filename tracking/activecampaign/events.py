"""ActiveCampaign-format events, and the pixel of its site tracking."""

import re
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from msgspec import structs

from activities.drafts import Draft
from activities.problems import InvalidActivity
from activities.recording import Source, record_soon
from consents.permission import Asks
from contacts.resolving import UnknownContact
from database.loop import in_thread
from tracking.activecampaign import admission
from tracking.activecampaign.rates import count_request
from tracking.activecampaign.translation import (
    MISSING,
    Form,
    make_event,
    make_page_visit,
    read_email,
    read_form,
    read_query,
    read_visit,
)
from tracking.browsers import is_browser, pixel
from tracking.exchanges import Recording
from web.answers import Answer
from web.problems import Problem
from web.requests import Request

# More than any event has: of its data, 250 characters count.
MAX_REQUEST_BYTES = 1024 * 1024
# What the inspector keeps beside the payload of a page visit: anybody can send those.
OF_VISITS = {"visit": True}
_LONGEST_CONTENT_TYPE = 200
_SPAWNED = "Event spawned"
# Keys in a query, in a form of either kind, and in JSON, which is what some clients send.
_KEYS = re.compile(
    rb"""(\b(?:api_)?key"?(?:=|\s*:\s*"|(?:\r\n[^\r\n]+){0,3}\r\n\r\n))[^&"\r\n]+""", re.IGNORECASE
)


class _ActiveCampaign(Recording):
    """What events and page visits have in common."""

    door = admission.DOOR

    async def log(self, draft: Draft, contact_guid: UUID, *, asks: Asks) -> None:
        """Record what the contact did; the inspector says so if it breaks a rule."""
        source = Source(
            door=self.door,
            channel=self.request.channel,
            request_id=self.request.id,
            names_types=self.door,
            asks=asks,
            answers_each=False,
        )
        try:
            await record_soon([draft], contact_guid=contact_guid, source=source)
        except UnknownContact:
            # A contact erased meanwhile: its events are dropped.
            return


class LogEvent(_ActiveCampaign):
    """Takes an event of a contact who exists.

    Whatever is refused before the contact is looked for is answered as the format does, with
    `success` 0. What happens after that is in the inspector alone.
    """

    def __init__(self, request: Request):
        super().__init__(request)
        request.payload = b""

    async def record(self) -> Answer:
        request = self.request
        if len(request.body) + len(request.query) > MAX_REQUEST_BYTES:
            limit = f"{MAX_REQUEST_BYTES:,}"
            raise Problem(400, "too_large", f"An event may have {limit} bytes at most.")
        form = read_form(request.query, request.headers.get("content-type", ""), request.body)
        try:
            name = await self._admit(form)
        except InvalidActivity as problem:
            await self.note(problem)
            is_documented = problem.code == "not_a_form"
            return _answer(0, MISSING[problem.field] if is_documented else problem.detail)
        try:
            await self._log(name, form)
        except InvalidActivity as problem:
            await self.note(problem)
        return _answer(1, _SPAWNED)

    def refuse(self, problem: Problem) -> Answer:
        return _answer(0, problem.detail, problem)

    async def note(self, problem: InvalidActivity) -> None:
        self.request.payload = self._sent
        await super().note(problem)

    @cached_property
    def _sent(self) -> bytes:
        """The query and the body, without keys: nobody has to see those later."""
        return b"\n".join(filter(None, self._parts))

    @cached_property
    def _parts(self) -> tuple[bytes, bytes]:
        request = self.request
        query = request.query.encode("latin-1", "replace")
        body = request.readable_body[: MAX_REQUEST_BYTES + 1]
        return _KEYS.sub(rb"\1***", query), _KEYS.sub(rb"\1***", body)

    @cached_property
    def _context(self) -> dict[str, Any]:
        """What is needed to read the event again. Only code that has seen the key asks for it."""
        query, body = self._parts
        kind = self.request.headers.get("content-type", "")[:_LONGEST_CONTENT_TYPE]
        return {"event": True, "query": len(query) if body else None, "content_type": kind}

    async def _admit(self, form: Form) -> str:
        """The name of the event, if it is for an account that takes it.

        :raises InvalidActivity: if it is not
        """
        channel = self.request.channel = await admission.find_channel(form)
        admission.check_key(channel, form)
        self.request.is_known = True
        self.request.context = self._context
        if settings.ACTIVECAMPAIGN_REQUESTS_PER_SECOND:
            await in_thread(count_request, channel)
        name = admission.read_name(form)
        admission.check_tracking(channel)
        return name

    async def _log(self, name: str, form: Form) -> None:
        visit = read_visit(form)
        await self.log(
            structs.replace(make_event(name, form, visit, self._sent), context=self._context),
            await admission.find_contact(visit.email, "visit"),
            asks=Asks.NO_REVOCATION if is_browser(self.request) else Asks.NOTHING,
        )


class LogVisit(_ActiveCampaign):
    """Takes a page visit of a contact who exists, from the picture that pages have for it.

    Every visitor of a page can send them, so of what is refused the inspector keeps samples.
    """

    def __init__(self, request: Request):
        super().__init__(request)
        request.payload = request.query.encode("latin-1", "replace")

    async def record(self) -> Answer:
        try:
            await self._log(Form(read_query(self.request.query)))
        except InvalidActivity as problem:
            await self.note(problem)
        return pixel()

    def refuse(self, problem: Problem) -> Answer:
        return pixel(status=problem.status, headers=problem.headers)

    async def keep(self, problem: Problem) -> None:
        """Nothing: whatever is wrong with a picture's request has been noted."""

    async def _log(self, form: Form) -> None:
        channel = self.request.channel = await admission.find_channel(form)
        self.request.context = dict(OF_VISITS)
        admission.check_tracking(channel)
        visit = make_page_visit(form.fields, self.request.payload)
        await self.log(
            structs.replace(visit, context=OF_VISITS),
            await admission.find_contact(read_email(form.fields.get("e")), "e"),
            asks=Asks.NO_REVOCATION,
        )


def _answer(success: int, message: str, problem: Problem | None = None) -> Answer:
    return Answer.json(
        {"success": success, "message": message},
        status=problem.status if problem else 200,
        headers=problem.headers if problem else None,
    )
