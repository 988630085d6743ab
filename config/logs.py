"""How log lines look, and what is left out of them: PostgreSQL's errors quote what people sent."""

import errno
import logging
import re
import time
from copy import copy

from celery.beat import SchedulingError
from kombu.exceptions import OperationalError

from database.outages import is_away

# What follows the first line of PostgreSQL's message; in a repr, its line breaks are written out.
# A detail is on a line of its own, too, where output is logged line by line.
_DETAILS = r"(?:(?:\n[ |]*|\\n)(?:HINT|QUERY|CONTEXT|LINE \d+)|(?:\n[ |]*|\\n| +)DETAIL):"
# A traceback goes on with one of these if the exception was not the last one.
_NEXT_EXCEPTION = (
    r"\n[ |]*(?:The above exception was|During handling of the above|Traceback \(most recent)"
)
_QUOTING = re.compile(rf"{_DETAILS}.*?(?=\n?{_NEXT_EXCEPTION}|\Z)", re.DOTALL)


# An outage is over when nobody has met it for so long.
_SECONDS_OF_QUIET = 30.0


class OutageFilter(logging.Filter):
    """Lets one line pass about what is away, and no traceback of each who needed it."""

    def __init__(self) -> None:
        super().__init__()
        self._met_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool | logging.LogRecord:
        """Whether to log `record`, or what to log instead if it is about an outage."""
        error = record.exc_info[1] if record.exc_info else None
        while error is not None and not (outage := _outage(error)):
            error = _reason_of(error)
        if error is None:
            return True
        now = time.monotonic()
        is_known = now - self._met_at.get(outage, float("-inf")) < _SECONDS_OF_QUIET
        self._met_at[outage] = now
        if is_known:
            return False
        # Other handlers get the record as it was.
        short = copy(record)
        short.msg, short.args = "%s: %s", (outage, first_line(error))
        short.exc_info = short.exc_text = None
        return short


def _outage(error: BaseException) -> str:
    """What `error` says is away, or ""."""
    if is_away(error):
        return "The database is away"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full"
    return "The broker is away" if isinstance(error, OperationalError) else ""


def _reason_of(error: BaseException) -> BaseException | None:
    # The scheduler's own error does not say from which other it was raised.
    return error.__context__ if isinstance(error, SchedulingError) else error.__cause__


def first_line(error: BaseException | None) -> str:
    """What `error` says, without what follows on further lines."""
    return next(iter(str(error).splitlines()), type(error).__name__)


class DiscreetFormatter(logging.Formatter):
    """Formats a record without the details of PostgreSQL's errors, wherever in it they are.

    What Django refuses for safety, such as a malformed `Host`, is one line without a traceback:
    everybody can send it.
    """

    def format(self, record: logging.LogRecord) -> str:
        if record.name.startswith("django.security."):
            record = logging.makeLogRecord({**vars(record), "exc_info": None, "exc_text": None})
        return without_details(super().format(record))


def without_details(text: str) -> str:
    """`text` without what PostgreSQL says after the first line of each of its errors."""
    return _QUOTING.sub("", text)
