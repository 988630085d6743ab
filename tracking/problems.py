"""Errors of the doors: `application/problem+json` (RFC 9457), and a note for the inspector."""

from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import defaults
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.request import Request

from activities.inspector import keep_refused_request
from activities.problems import InvalidActivity
from channels.models import ApiKey, Channel
from tracking.middleware import is_door


class Problem(APIException):
    """A request is refused as a whole.

    `code` is stable and for programs, `field` names the member that is wrong (or ""), `detail` tells
    a person what was wrong and what to do.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str = "",
        headers: dict[str, str] | None = None,
    ):
        super().__init__(detail, code)
        self.status_code, self.code, self.field = status, code, field
        self.headers = headers or {}


def too_large() -> Problem:
    """The problem of a body over MAX_BODY_BYTES."""
    return Problem(
        413,
        "too_large",
        f"The body is larger than {settings.MAX_BODY_BYTES:,} bytes; send it in several requests.",
    )


def handle_exception(exc: Exception, context: dict) -> HttpResponse | None:
    """Answer what a view raised as a problem, and keep a refused POST for the inspector."""
    problem = _as_problem(exc)
    if problem is None:
        return None
    request: Request = context["request"]
    if request.method == "POST" and problem.status_code < 500:
        _keep(problem, request, getattr(context.get("view"), "door", ""))
    return _respond(problem, getattr(request, "request_id", None))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: a problem at the doors, a page elsewhere."""
    if not is_door(request.path):
        return defaults.server_error(request)
    problem = Problem(500, "server_error", "Something went wrong here; it has been logged.")
    return _respond(problem, getattr(request, "request_id", None))


def _as_problem(exc: Exception) -> Problem | None:
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, RequestDataTooBig):
        return too_large()
    if isinstance(exc, UnreadablePostError):
        return Problem(400, "unreadable", "The body ended before it was complete.")
    if isinstance(exc, MethodNotAllowed):
        return Problem(405, "method_not_allowed", str(exc.detail))
    if isinstance(exc, APIException):
        return Problem(exc.status_code, exc.default_code, str(exc.detail))
    return None


def _respond(problem: Problem, request_id: UUID | None) -> HttpResponse:
    body = {
        "type": f"urn:throughline:problem:{problem.code}",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": str(problem.detail),
        "code": problem.code,
    }
    if problem.field:
        body["field"] = problem.field
    if request_id:
        body["requestId"] = str(request_id)
    return JsonResponse(
        body,
        status=problem.status_code,
        content_type="application/problem+json",
        headers=problem.headers,
    )


def _keep(problem: Problem, request: Request, door: str) -> None:
    channel = _channel_of(request)
    payload = _start_of_body(request._request)
    keep_refused_request(
        InvalidActivity(problem.code, problem.field, str(problem.detail)),
        door=door,
        request_id=request.request_id,
        payload=payload,
        payload_length=max(len(payload), _content_length(request._request)),
        channel=channel,
        contact_guid=getattr(request, "contact_guid", ""),
        source=request.META.get("REMOTE_ADDR", ""),
    )


def _channel_of(request: Request) -> Channel | None:
    # The attribute of Django's request: asking DRF's would authenticate again, and raise again.
    key = getattr(request._request, "auth", None)
    return key.channel if isinstance(key, ApiKey) else None


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
