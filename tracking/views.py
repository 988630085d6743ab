"""The view that every door's views are made of."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from activities.inspector import keep_refused_request
from activities.problems import InvalidActivity, Status
from channels.models import ApiKey, Channel
from tracking.middleware import request_id_of
from tracking.problems import Problem, as_problem, respond
from web.addresses import client_address


class AlwaysJson(BaseContentNegotiation):
    """Whatever a client says that it accepts, the answer is the one documented."""

    def select_parser(self, request, parsers):
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class DoorView(APIView):
    """A view of a door.

    It respects the switches before anything else, answers errors as problems, and keeps a refused
    request that was to record something for the inspector. Subclasses set `channel` and
    `contact_guid` as soon as they know where it comes from and whom it is about, `has_shown_a_key`
    once the caller has proved it by a key that is no API key, and `test_code` if it is marked as a
    test; those whose format has errors of its own answer them in `respond`.
    """

    content_negotiation_class = AlwaysJson
    door: str
    # Methods that only read.
    safe_methods: Sequence[str] = SAFE_METHODS
    # Methods whose refusals the inspector keeps.
    kept_methods: Sequence[str] = ("POST",)
    channel: Channel | None = None
    has_shown_a_key = False
    contact_guid = ""
    test_code = ""

    def initial(self, request: Request, *args, **kwargs) -> None:
        if not settings.TRACKING_API_ENABLED:
            raise Problem(404, "tracking_off", "The tracking API is switched off.")
        if settings.READ_ONLY and request.method not in self.safe_methods:
            raise Problem(
                503,
                "read_only",
                "The hub is read-only for the moment; try again later.",
                headers={"Retry-After": str(settings.READ_ONLY_RETRY_AFTER_SECONDS)},
            )
        super().initial(request, *args, **kwargs)

    def handle_exception(self, error: Exception) -> HttpResponse:  # type: ignore[override]
        problem = as_problem(error)
        if problem is None:
            self._keep_failure()
            raise error
        if self.request.method in self.kept_methods and problem.status_code < 500:
            self.keep(problem)
        return self.respond(problem)

    def _keep_failure(self) -> None:
        """Say in the inspector that the hub failed, if the database still takes it."""
        if self.request.method not in self.kept_methods:
            return
        detail = "Something went wrong in the hub; its log says more. Send the request again."
        with suppress(DatabaseError):
            self.keep(InvalidActivity("failed", "", detail, Status.FAILED))

    def respond(self, problem: Problem) -> HttpResponse:
        """The answer that tells the client of `problem`, as its wire format has it."""
        return respond(problem, self.request_id)

    @property
    def request_id(self) -> UUID:
        """The id of this request, as the answer tells it."""
        return request_id_of(self.request._request)

    @property
    def key(self) -> ApiKey:
        """The key of the caller."""
        assert isinstance(self.request.auth, ApiKey)
        return self.request.auth

    def payload(self) -> bytes:
        """What the inspector keeps of this request: the start of its body."""
        return _start_of_body(self.request._request)

    def keep(self, problem: Problem | InvalidActivity) -> None:
        """Keep this request for the inspector, with the reason why it was refused."""
        request = self.request._request
        # Django's own request: asking DRF's for `auth` would authenticate again, and fail again.
        key = getattr(request, "auth", None)
        is_known = isinstance(key, ApiKey) or self.has_shown_a_key
        payload = self.payload()
        if isinstance(problem, Problem):
            problem = InvalidActivity(problem.code, problem.field, str(problem.detail))
        keep_refused_request(
            problem,
            door=self.door,
            request_id=self.request_id,
            payload=payload,
            payload_length=max(len(payload), _content_length(request)),
            channel=key.channel if isinstance(key, ApiKey) else self.channel,
            contact_guid=self.contact_guid,
            test_code=self.test_code,
            stranger="" if is_known else client_address(request) or "unknown",
        )


def _start_of_body(request: HttpRequest) -> bytes:
    """As much of the body as the inspector keeps, however large it is."""
    if hasattr(request, "_body"):
        return request.body
    try:
        return request.read(settings.REJECTED_PAYLOAD_BYTES)
    except (OSError, UnreadablePostError):
        return b""


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
