"""When a message that could not be delivered is tried again."""

import random
from datetime import datetime, timedelta

# After the first failure, the second, and so on: 75 hours and a half in all.
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MOST_ATTEMPTS = len(PAUSES) + 1
# So much of a pause may be added, so that messages that failed together do not come together. It
# only ever gets longer: after three days without an answer there is an attempt left.
_JITTER = 0.1
# A destination can put nothing off for longer.
LONGEST_WISH = timedelta(days=1)


def next_attempt_at(attempts: int, now: datetime) -> datetime | None:
    """When a message is tried again that has failed so often by now; None if never."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return now + PAUSES[max(attempts, 1) - 1] * (1 + random.random() * _JITTER)  # noqa: S311


def bounded(wish: datetime | None, now: datetime) -> datetime | None:
    """The time that a destination wishes for, if it is to come: one day ahead at most."""
    if wish is None or wish <= now:
        return None
    return min(wish, now + LONGEST_WISH)
