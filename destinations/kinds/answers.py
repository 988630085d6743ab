"""What an answer over HTTP comes to."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from django.utils import timezone

from destinations.http import Answer
from destinations.outcomes import MOST_OF_ANSWER, Outcome, Result

# A destination may put itself off for so long and no longer.
LONGEST_REST = timedelta(days=1)

_SHORTEST_SECRET = 6
_GONE = 410
_TOO_MANY = (429, 503)
_HINTS = {
    400: "It does not understand the message.",
    401: "It does not accept the credentials.",
    403: "It does not accept the credentials, or does not allow this.",
    404: "There is nothing at this address.",
    405: "It does not take this method.",
    408: "It waited too long for the message.",
    413: "The message is too large for it.",
    415: "It does not take messages of this format.",
    429: "It asks for fewer messages.",
    503: "It is not available at the moment.",
}


def outcome_of(answer: Answer, secrets: Iterable[str] = ()) -> Outcome:
    """What came of an attempt that was answered so: only 2xx is a success.

    :param secrets: what the request had of them, which some answers repeat; nobody reads them there
    """
    if answer.status is None:
        result = Result.REFUSED if answer.is_refused else Result.FAILED
        return Outcome(result, error=answer.error or "There was no answer.")
    # PostgreSQL has no texts with a NUL.
    text = _without(secrets, answer.text.replace("\0", "\ufffd"))[:MOST_OF_ANSWER]
    if 200 <= answer.status < 300:
        return Outcome(Result.DELIVERED, answer.status, text)
    if answer.status == _GONE:
        error = "It answered 410: it wants nothing any more."
        return Outcome(Result.GONE, answer.status, text, error)
    if answer.status in _TOO_MANY:
        not_before = time_to_wait_for(answer.headers or {}, timezone.now())
        return Outcome(Result.THROTTLED, answer.status, text, _told(answer.status), not_before)
    return Outcome(Result.FAILED, answer.status, text, _told(answer.status))


def time_to_wait_for(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When an answer asks to be asked again: `Retry-After`, in seconds or as a date.

    A day later at most; None if it says nothing, the past, or what cannot be understood.
    """
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    at = _in_seconds(value.strip(), now) or _at_date(value.strip())
    if at is None or at <= now:
        return None
    return min(at, now + LONGEST_REST)


def _in_seconds(value: str, now: datetime) -> datetime | None:
    if not (value.isascii() and value.isdigit()):
        return None
    # A number of so many digits is more than any day has.
    seconds = int(value) if len(value) < 10 else LONGEST_REST.total_seconds()
    return now + min(timedelta(seconds=seconds), LONGEST_REST)


def _at_date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _without(secrets: Iterable[str], text: str) -> str:
    # Of "Bearer abc" the part alone is as good. What is so short is in many texts.
    parts = {part for secret in secrets for part in (secret, secret.rpartition(" ")[2])}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            text = text.replace(part, "(hidden)")
    return text


def _told(status: int) -> str:
    if 300 <= status < 400:
        return (
            f"It answered {status}: it sends callers on to another address, and they are not "
            "followed. Enter the address to which it leads."
        )
    hint = f" {_HINTS[status]}" if status in _HINTS else ""
    return f"It answered {status}.{hint}"
