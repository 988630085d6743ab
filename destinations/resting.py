"""How a destination is doing: how many requests it gets at a time, and when it is left alone.

After a few failures in a row it rests, longer each time, and then one request at a time finds out
whether it works again. So a destination that is away costs the hub next to nothing, and messages
that are not tried meanwhile use up none of their attempts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from destinations.models import Queue
from destinations.outcomes import Outcome, Result
from destinations.schedule import bounded

# So many failures in a row, and it rests.
FAILURES = 3
_FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=5)
# After failing for so long without one delivery a destination is paused.
GIVES_UP_AFTER = timedelta(days=5)


@dataclass
class Health:
    """How a destination is doing, in the event loop that sends to it.

    :ivar most: the most requests at a time
    :ivar failures: in a row
    :ivar failing_since: when the first of them was
    :ivar rests_until: until then nothing is sent; once that is over, requests are tried one by one
    :ivar width: how many requests at a time it gets now
    :ivar is_gone: whether it has said that it wants nothing any more
    :ivar is_given_up: whether it has failed just now, and for so long that the hub gives it up
    """

    most: int
    failures: int = 0
    failing_since: datetime | None = None
    last_delivered_at: datetime | None = None
    rests_until: datetime | None = None
    width: int = 0
    is_gone: bool = False
    is_given_up: bool = False

    def __post_init__(self) -> None:
        self.width = 1 if self.failures or self.rests_until else self.most

    @classmethod
    def of(cls, queue: Queue, most: int) -> "Health":
        """How the destination of this queue has been doing so far."""
        return cls(
            most,
            failures=queue.failures,
            failing_since=queue.failing_since,
            last_delivered_at=queue.last_delivered_at,
            rests_until=queue.rests_until,
        )

    def is_resting(self, now: datetime) -> bool:
        """Whether nothing may be sent at the moment."""
        return self.is_gone or (self.rests_until is not None and now < self.rests_until)

    def note(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Take note of what came of deliveries that went out together, some as several requests.

        If any of it says that the destination wants nothing any more, or fewer, that counts also
        if it took the rest. What it refused says nothing about its health.
        """
        results = {outcome.result for outcome in outcomes}
        is_delivered = Result.DELIVERED in results
        if is_delivered:
            self._note_success(now)
        if Result.GONE in results:
            self.is_gone = True
        elif Result.THROTTLED in results or (Result.FAILED in results and not is_delivered):
            wishes = [outcome.not_before for outcome in outcomes if outcome.not_before]
            wish = max(wishes, default=None)
            self._note_failure(now, throttled=Result.THROTTLED in results, wish=wish)

    def _note_success(self, now: datetime) -> None:
        self.failures, self.failing_since, self.is_given_up = 0, None, False
        self.last_delivered_at = now
        # Another request that was on its way may just have been told to wait.
        if not self.is_resting(now):
            self.rests_until = None
            self.width = min(self.width + 1, self.most)

    def _note_failure(self, now: datetime, *, throttled: bool, wish: datetime | None) -> None:
        wish = bounded(wish, now) if throttled else None
        if self.is_resting(now):
            # Of several that were on their way when it began to rest, the first one counts.
            if wish is not None and self.rests_until is not None:
                self.rests_until = max(self.rests_until, wish)
            return
        self.failures += 1
        self.failing_since = self.failing_since or now
        self.is_given_up = now - self.failing_since >= GIVES_UP_AFTER
        if throttled or self.failures >= FAILURES:
            self.width = 1
            self.rests_until = wish or now + rest_after(self.failures)


def rest_after(failures: int) -> timedelta:
    """How long a destination rests after so many failures in a row: twice as long each time."""
    return min(_FIRST_REST * 2 ** min(max(failures - FAILURES, 0), 20), LONGEST_REST)
