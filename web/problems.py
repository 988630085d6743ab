"""Errors of the doors: `application/problem+json` (RFC 9457)."""

import logging
from http import HTTPStatus
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import UnreadablePostError
from rest_framework.exceptions import APIException

from database.loop import Busy
from database.outages import is_away
from web.answers import Answer

_log = logging.getLogger(__name__)

# The code of what names a person who was erased. The inspector keeps of it that it came.
ERASED = "erased"


class Problem(Exception):
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
        super().__init__(detail)
        self.status, self.code, self.detail, self.field = status, code, detail, field
        self.headers = headers or {}


def too_large() -> Problem:
    """What to raise about a body that is larger than MAX_BODY_BYTES."""
    limit = f"{settings.MAX_BODY_BYTES:,}"
    detail = f"The body is larger than {limit} bytes; send it in several requests."
    return Problem(413, "too_large", detail)


def unreadable() -> Problem:
    """What to raise about a body that ended before it was complete."""
    return Problem(400, "unreadable", "The body ended before it was complete.")


def too_slow() -> Problem:
    """What to raise about a body that does not come within the time that it has."""
    return Problem(408, "too_slow", "The body did not come in time; send it again.")


def bad_request() -> Problem:
    """What to raise about a request that no part of the hub can answer."""
    detail = "The request is not one that the hub answers: its Host or another header is wrong."
    return Problem(400, "bad_request", detail)


def server_error() -> Problem:
    """What a client is told of a fault of the hub."""
    return Problem(500, "server_error", "Something went wrong here; it has been logged.")


def read_only() -> Problem:
    """What to raise about a request that would write while the hub is read-only."""
    return Problem(
        503,
        "read_only",
        "The hub is read-only for the moment; try again later.",
        headers={"Retry-After": str(settings.READ_ONLY_RETRY_AFTER_SECONDS)},
    )


def unavailable() -> Problem:
    """What to raise about a request that needs the database while that is away."""
    return Problem(
        503,
        "unavailable",
        "The hub cannot reach its database, or write to it, for the moment; try again later.",
        headers={"Retry-After": str(settings.BUSY_RETRY_AFTER_SECONDS)},
    )


def as_problem(error: BaseException) -> Problem | None:
    """What `error` means to a client; None if it is a fault of the hub.

    The log says why the database is away, if it is.
    """
    match error:
        case Problem():
            return error
        case RequestDataTooBig():
            return too_large()
        case Busy():
            return Problem(
                503,
                "busy",
                "The hub does not keep up for the moment; try again later.",
                headers={"Retry-After": str(settings.BUSY_RETRY_AFTER_SECONDS)},
            )
        case UnreadablePostError():
            return unreadable()
        case APIException():
            return Problem(error.status_code, error.default_code, str(error.detail))
    if is_away(error):
        _log.error("The database is away", exc_info=error)
        return unavailable()
    return None


def respond(problem: Problem, request_id: UUID) -> Answer:
    """The answer that tells a client of `problem`."""
    body = {
        "type": f"urn:throughline:problem:{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "requestId": str(request_id),
    }
    if problem.field:
        body["field"] = problem.field
    return Answer.of(
        msgspec.json.encode(body),
        "application/problem+json",
        status=problem.status,
        headers=problem.headers,
    )
