"""Errors of the doors: `application/problem+json` (RFC 9457)."""

from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import defaults
from rest_framework.exceptions import APIException

from activities.group_commit import Busy
from contacts.models import Contact
from contacts.resolving import UnknownContact
from tracking.middleware import is_door, request_id_of


class Problem(APIException):
    """A request is refused as a whole.

    `code` is stable and for programs, `field` names the member that is wrong (or ""), and `detail`
    tells a person what was wrong and what to do.
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


def as_problem(error: Exception) -> Problem | None:
    """What `error` means to a client; None if it is a fault of the hub."""
    match error:
        case Problem():
            return error
        case RequestDataTooBig():
            limit = f"{settings.MAX_BODY_BYTES:,}"
            detail = f"The body is larger than {limit} bytes; send it in several requests."
            return Problem(413, "too_large", detail)
        case UnknownContact() | Contact.DoesNotExist():
            return Problem(404, "unknown_contact", "There is no contact with this GUID.")
        case Busy():
            return Problem(
                503,
                "busy",
                "The hub does not keep up for the moment; try again later.",
                headers={"Retry-After": str(settings.BUSY_RETRY_AFTER_SECONDS)},
            )
        case UnreadablePostError():
            return Problem(400, "unreadable", "The body ended before it was complete.")
        case APIException():
            return Problem(error.status_code, error.default_code, str(error.detail))
    return None


def respond(problem: Problem, request_id: UUID) -> HttpResponse:
    """The answer that tells a client of `problem`."""
    body = {
        "type": f"urn:throughline:problem:{problem.code}",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": str(problem.detail),
        "code": problem.code,
        "requestId": str(request_id),
    }
    if problem.field:
        body["field"] = problem.field
    return JsonResponse(
        body,
        status=problem.status_code,
        content_type="application/problem+json",
        headers=problem.headers,
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, for what it refuses itself, such as a host that is not ours."""
    if not is_door(request.path):
        return defaults.bad_request(request, exception)
    detail = "The request is not one that the hub answers: its Host or another header is wrong."
    return respond(Problem(400, "bad_request", detail), request_id_of(request))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: a problem at the doors, a page elsewhere."""
    if not is_door(request.path):
        return defaults.server_error(request)
    problem = Problem(500, "server_error", "Something went wrong here; it has been logged.")
    return respond(problem, request_id_of(request))
