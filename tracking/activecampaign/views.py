"""ActiveCampaign-format events, and the pixel of its site tracking."""

import re
from functools import cached_property

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from activities.problems import InvalidActivity
from tracking.activecampaign import receiving, schema
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
from tracking.problems import Problem
from tracking.views import DoorView

# More than any event has: of its data, 250 characters count.
MAX_REQUEST_BYTES = 1024 * 1024
_SPAWNED = "Event spawned"
# Keys in a query, in a form of either kind, and in JSON, which is what some clients send.
_KEYS = re.compile(
    rb"""(\b(?:api_)?key"?(?:=|\s*:\s*"|(?:\r\n[^\r\n]+){0,3}\r\n\r\n))[^&"\r\n]+""", re.IGNORECASE
)


class EventView(DoorView):
    """Takes events of contacts who exist.

    Whatever is refused before the contact is looked for is answered as the format does, with
    `success` 0. What happens after that is in the inspector alone.
    """

    authentication_classes = ()
    door = receiving.DOOR
    body = b""

    @schema.log_event
    def post(self, request: Request) -> HttpResponse:
        """Log an event of a contact."""
        form = read_form(request._request, self._read_body())
        try:
            name = self._admit(form)
        except InvalidActivity as problem:
            self.keep(problem)
            is_documented = problem.code == "not_a_form"
            return _answer(0, MISSING[problem.field] if is_documented else problem.detail)
        try:
            self._record(name, form)
        except InvalidActivity as problem:
            self.keep(problem)
        return _answer(1, _SPAWNED)

    def respond(self, problem: Problem) -> HttpResponse:
        return _answer(0, str(problem.detail), problem)

    def payload(self) -> bytes:
        return self._sent

    @cached_property
    def _sent(self) -> bytes:
        """The query and the body, without keys: nobody has to see those later."""
        query = self.request._request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
        return _KEYS.sub(rb"\1***", b"\n".join(filter(None, (query, self.body))))

    def _read_body(self) -> bytes:
        request = self.request._request
        query_length = len(request.META.get("QUERY_STRING", ""))
        self.body = request.read(MAX_REQUEST_BYTES + 1)
        if len(self.body) + query_length > MAX_REQUEST_BYTES:
            limit = f"{MAX_REQUEST_BYTES:,}"
            raise Problem(400, "too_large", f"An event may have {limit} bytes at most.")
        return self.body

    def _admit(self, form: Form) -> str:
        """The name of the event, if it is for an account that takes it.

        :raises InvalidActivity: if it is not
        """
        self.channel = receiving.find_channel(form)
        receiving.check_key(self.channel, form)
        self.has_shown_a_key = True
        count_request(self.channel)
        name = receiving.read_name(form)
        receiving.check_tracking(self.channel)
        return name

    def _record(self, name: str, form: Form) -> None:
        assert self.channel is not None
        visit = read_visit(form)
        receiving.record(
            make_event(name, form, visit, self.payload()),
            contact=receiving.find_contact(visit.email, "visit"),
            channel=self.channel,
            request_id=self.request_id,
            from_browser=is_browser(self.request._request),
        )


class VisitView(DoorView):
    """Takes page visits of contacts who exist, from the picture that pages have for it.

    Whoever sees a page can send them, so of what is refused the inspector keeps samples.
    """

    authentication_classes = ()
    door = receiving.DOOR
    # A picture's request records a visit.
    safe_methods = ("OPTIONS",)

    @schema.log_visit
    def get(self, request: Request) -> HttpResponse:
        """Log a page visit of a contact; answer a picture of one pixel."""
        try:
            self._record(request._request)
        except InvalidActivity as problem:
            self.keep(problem)
        return pixel()

    def respond(self, problem: Problem) -> HttpResponse:
        response = pixel()
        response.status_code = problem.status_code
        for name, value in problem.headers.items():
            response[name] = value
        return response

    def payload(self) -> bytes:
        return self.request._request.META.get("QUERY_STRING", "").encode("latin-1", "replace")

    def _record(self, request: HttpRequest) -> None:
        form = Form(read_query(request))
        self.channel = receiving.find_channel(form)
        receiving.check_tracking(self.channel)
        receiving.record(
            make_page_visit(form.fields, self.payload()),
            contact=receiving.find_contact(read_email(form.fields.get("e")), "e"),
            channel=self.channel,
            request_id=self.request_id,
            from_browser=True,
        )


def _answer(success: int, message: str, problem: Problem | None = None) -> Response:
    return Response(
        {"success": success, "message": message},
        status=problem.status_code if problem else 200,
        headers=problem.headers if problem else None,
    )
