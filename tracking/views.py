"""The view that every door's views are made of."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from activities.inspector import is_sampled, keep_refused_request
from activities.problems import InvalidActivity, Status
from channels.known import may_read
from channels.models import ApiKey, Channel
from tracking.switches import check_switches
from web import requests
from web.addresses import client_address
from web.django import obstacle_of, respond_to
from web.doors import exchange_at
from web.encodings import decode_body
from web.exchanges import Exchange
from web.middleware import request_id_of
from web.problems import ERASED, Problem, as_problem, respond, too_large


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
        check_switches(reads=request.method in self.safe_methods)
        if obstacle := obstacle_of(request._request):
            raise obstacle
        super().initial(request, *args, **kwargs)
        if _is_encoded(request._request):
            # Also where no body is needed: what came of one has to be understood.
            _ = self.body

    def handle_exception(self, error: Exception) -> HttpResponse:  # type: ignore[override]
        problem = as_problem(error)
        if problem is None:
            self._keep_failure()
            raise error
        if self.request.method in self.kept_methods and problem.status < 500:
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
        return respond(problem, self.request_id).for_django()

    @property
    def request_id(self) -> UUID:
        """The id of this request, as the answer tells it."""
        return request_id_of(self.request._request)

    @property
    def key(self) -> ApiKey:
        """The key of the caller."""
        assert isinstance(self.request.auth, ApiKey)
        return self.request.auth

    @cached_property
    def body(self) -> bytes:
        """The body of the request, decoded.

        :raises Problem: 400, 413 or 415, if it cannot be read
        """
        request = self.request._request
        body = decode_body(request.body, request.headers.get("Content-Encoding", ""))
        if len(body) > settings.MAX_BODY_BYTES:
            raise too_large()
        return body

    @property
    def address(self) -> str:
        """The address of the caller."""
        request = self.request._request
        forwarded = request.headers.get("X-Forwarded-For", "")
        return client_address(forwarded, request.META.get("REMOTE_ADDR", ""))

    def payload(self) -> bytes:
        """What the inspector keeps of this request: the start of its body."""
        if _is_encoded(self.request._request):
            return vars(self).get("body", b"")
        return _start_of_body(self.request._request)

    def keep(self, problem: Problem | InvalidActivity) -> None:
        """Keep this request for the inspector, with the reason why it was refused."""
        request = self.request._request
        # Django's own request: asking DRF's for `auth` would authenticate again, and fail again.
        key = getattr(request, "auth", None)
        is_known = isinstance(key, ApiKey) or self.has_shown_a_key
        if not is_known and not is_sampled(self.address or "unknown"):
            return
        payload = self.payload()
        if isinstance(problem, Problem):
            problem = InvalidActivity(
                problem.code, problem.field, problem.detail, is_untracked=problem.code == ERASED
            )
        keep_refused_request(
            problem,
            door=self.door,
            request_id=self.request_id,
            payload=payload,
            payload_length=max(len(payload), _content_length(request)),
            channel=key.channel if isinstance(key, ApiKey) else self.channel,
            contact_guid=self.contact_guid,
            test_code=self.test_code,
            is_stranger=not is_known,
        )


def may_read_of_key(request: HttpRequest) -> bool:
    """Whether the page that sends this request may read the answer, by the channel of its key."""
    key = getattr(request, "auth", None)
    origin = request.headers.get("origin", "")
    return may_read(origin, key.channel if isinstance(key, ApiKey) else None)


class RecordingView(DoorView):
    """A view whose requests are answered by exchanges, one for each method.

    In the web process they are answered in the event loop, and do not come here: this is what the
    OpenAPI document shows, and what answers other methods.
    """

    authentication_classes: Sequence[type[BaseAuthentication]] = ()
    safe_methods = ("OPTIONS",)
    exchange: type[Exchange]

    def get_authenticators(self) -> list[BaseAuthentication]:
        # Exchanges ask for keys themselves. The OpenAPI document, whose requests are no Django's,
        # shows them.
        is_django = isinstance(self.request, HttpRequest)
        return [] if is_django and _is_exchange(self.request) else super().get_authenticators()

    def initial(self, request: Request, *args, **kwargs) -> None:
        # Exchanges look at the switches themselves.
        if not _is_exchange(request):
            super().initial(request, *args, **kwargs)

    @property
    def default_response_headers(self) -> dict[str, str]:
        # Exchanges say themselves what is in their answers.
        return {} if _is_exchange(self.request) else super().default_response_headers

    def answer(self, exchange: type[Exchange]) -> HttpResponse:
        """What the exchange answers to this request."""
        return respond_to(self.request._request, exchange)

    def respond(self, problem: Problem) -> HttpResponse:
        request = requests.Request.of_django(self.request._request, b"")
        return self.exchange(request).refuse(problem).for_django()


def _is_exchange(request: HttpRequest | Request) -> bool:
    return exchange_at(request.method or "", request.path_info) is not None


def _start_of_body(request: HttpRequest) -> bytes:
    """As much of the body as the inspector keeps, however large it is."""
    if hasattr(request, "_body"):
        return request.body
    try:
        return request.read(settings.REJECTED_PAYLOAD_BYTES)
    except (OSError, UnreadablePostError):
        return b""


def _is_encoded(request: HttpRequest) -> bool:
    return "Content-Encoding" in request.headers


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
