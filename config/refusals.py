"""What a web process says to requests that reach no door: it cannot read them, or is full."""

from http import HTTPStatus

from config.load import LIMITS
from database.loop import Busy
from web.answers import Answer, Headers, Receive, Scope, Send
from web.problems import Problem, as_problem, respond
from web.requests import new_request_id


def refusal(status: HTTPStatus, headers: Headers) -> bytes:
    """The answer to a request that is not read any further, with these headers and its own."""
    answer = answer_of(_problem(status))
    headers = [*headers, *answer.headers, (b"connection", b"close")]
    lines = [b"%s: %s" % header for header in headers]
    start = f"HTTP/1.1 {status.value} {status.phrase}".encode("ascii")
    return b"\r\n".join([start, *lines, b"", answer.body])


async def say_busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request that was read, and that the process has no memory for."""
    await answer_of(_problem(HTTPStatus.SERVICE_UNAVAILABLE)).send(send)


def answer_of(problem: Problem) -> Answer:
    """What tells of `problem`, with an id for the request."""
    request_id = new_request_id()
    answer = respond(problem, request_id)
    answer.headers.append((b"request-id", str(request_id).encode("ascii")))
    return answer


def _problem(status: HTTPStatus) -> Problem:
    match status:
        case HTTPStatus.SERVICE_UNAVAILABLE:
            problem = as_problem(Busy())
            assert problem is not None
            return problem
        case HTTPStatus.REQUEST_TIMEOUT:
            return Problem(
                408,
                "too_slow",
                f"The request's headers were not complete within {LIMITS.head_seconds:g} seconds."
                " Send it again.",
            )
        case HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            return Problem(
                431,
                "headers_too_large",
                f"The request line and headers have more than {LIMITS.head_bytes:,} bytes, or are"
                f" more than {LIMITS.headers:,}. Send less: often it is cookies or a long address.",
            )
        case _:
            return Problem(
                400,
                "not_http",
                "This is no HTTP/1.1 request that the hub can read. Check what sends it, and"
                " whether it is to speak HTTPS to a proxy before the hub.",
            )
