"""What comes of an attempt to deliver."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

# So much of an answer is read, kept and shown.
MOST_OF_ANSWER = 4_096


class Result(Enum):
    """What an attempt has led to."""

    DELIVERED = "delivered"
    # Tried again by the plan.
    FAILED = "failed"
    # It would fail each time: never tried again.
    REFUSED = "refused"
    # The destination wants fewer at the moment: tried again, and nothing else before.
    THROTTLED = "throttled"
    # The destination wants nothing any more.
    GONE = "gone"
    # The worker ended while it waited for the answer: tried again at once.
    LOST = "lost"
    # The worker ended before it asked anything, or it has waited for too long to be sent without
    # asking for permission again: the attempt does not count.
    NOT_BEGUN = "not begun"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt.

    :ivar status: the status of the answer, if there was one
    :ivar answer: the beginning of its text
    :ivar error: in a sentence what went wrong, "" if nothing did
    :ivar not_before: when the destination wants to be asked again at the earliest
    """

    result: Result
    status: int | None = None
    answer: str = ""
    error: str = ""
    not_before: datetime | None = None
