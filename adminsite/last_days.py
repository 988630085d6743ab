"""Periods up to now, as filters offer them: a saved view of the last 7 days moves on."""

from datetime import datetime, timedelta

from django.utils import timezone

PERIODS = (1, 7, 30, 90, 365)
_MOST_DAYS = 100_000


def last_days(days: int) -> str:
    """A period up to now, in words."""
    return "in the last 24 hours" if days == 1 else f"in the last {days:,} days"


def read_days(given: str) -> int | None:
    """A number of days to look back; None if it is none."""
    is_number = given.isascii() and given.isdigit() and len(given) <= len(str(_MOST_DAYS))
    return int(given) if is_number and 1 <= int(given) <= _MOST_DAYS else None


def since(days: int) -> datetime:
    """When a period of so many days up to now began."""
    return timezone.now() - timedelta(days=days)


def offered(chosen: int | None) -> list[tuple[str, str]]:
    """The periods that a user can choose, and `chosen`, if it is another one."""
    days = sorted({*PERIODS, chosen}) if chosen else PERIODS
    return [(str(one), last_days(one).capitalize()) for one in days]
