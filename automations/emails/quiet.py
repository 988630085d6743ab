"""The hours at which no email leaves but what a contact has asked for."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class QuietHours:
    """From one time of day until another, which may be of the next day."""

    start: time
    end: time
    zone: ZoneInfo

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours end that `now` is in; None if it is in none."""
        local = now.astimezone(self.zone)
        for days in (0, 1):
            begins_on = local.date() - timedelta(days=days)
            ends_on = begins_on + timedelta(days=self.end <= self.start)
            starts_at = datetime.combine(begins_on, self.start, self.zone)
            # Python compares two times of one zone by the clock on the wall, which is set back.
            ends_at = datetime.combine(ends_on, self.end, self.zone)
            if starts_at.timestamp() <= now.timestamp() < ends_at.timestamp():
                return datetime.fromtimestamp(ends_at.timestamp(), self.zone)
        return None


@cache
def read_quiet_hours(text: str, zone: str) -> QuietHours | None:
    """The quiet hours that a setting has, such as `21:00-07:00`; None if it is empty.

    :raises ImproperlyConfigured: if it cannot be understood
    """
    if not text.strip():
        return None
    found = _HOURS.fullmatch(text.strip())
    if not found:
        raise ImproperlyConfigured(
            f"EMAIL_QUIET_HOURS must be two times of day, such as 21:00-07:00, and not {text!r}."
        )
    start, end = (time(int(found[one]), int(found[one + 1])) for one in (1, 3))
    if start == end:
        raise ImproperlyConfigured(
            f"EMAIL_QUIET_HOURS must not begin and end at the same time, as {text!r} does."
        )
    return QuietHours(start, end, ZoneInfo(zone))
