"""The quarters and hours by which things are counted, and how long counts are kept."""

from datetime import UTC, datetime, timedelta

QUARTER = 15 * 60
HOUR = 60 * 60
# A year, and some weeks to compare with.
KEPT_DAYS = 400
# For so long by the quarter: to compare today with yesterday up to the same time of day.
DAYS_BY_QUARTER = 3
# Clocks that are fast by more than that are not believed.
_AHEAD = timedelta(days=1)


class Times:
    """At which time something is counted, as seconds since 1970, seen from now."""

    def __init__(self, now: datetime):
        self._first = (now - timedelta(days=KEPT_DAYS)).timestamp()
        self._by_quarter = start_of_quarters(now).timestamp()
        self._last = (now + _AHEAD).timestamp()

    def of(self, seconds: float) -> int | None:
        """When to count what happened then; None if it is too long ago, or still to come."""
        if not self._first <= seconds <= self._last:
            return None
        return int(seconds // QUARTER * QUARTER if self.has_quarters(seconds) else _hour(seconds))

    def has_quarters(self, seconds: float) -> bool:
        """Whether that time is still counted by the quarter."""
        return seconds >= self._by_quarter


def start_of_quarters(now: datetime) -> datetime:
    """The hour from which on everything is counted by the quarter."""
    return at_hour(now - timedelta(days=DAYS_BY_QUARTER))


def at_hour(at: datetime) -> datetime:
    """The start of the hour of `at`; hours are those of UTC."""
    return moment_of(_hour(at.timestamp()))


def moment_of(seconds: float) -> datetime:
    """The time that is so many seconds after 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def _hour(seconds: float) -> int:
    return int(seconds // HOUR * HOUR)
