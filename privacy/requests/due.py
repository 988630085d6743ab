"""By when a request of a person has to be answered, by the calendar.

Article 12(3) of the GDPR gives one month from receipt, and two further months where that is needed.
How months are counted says Regulation (EEC, Euratom) No 1182/71, Article 3(2)(c): the period ends
with the last hour of the day that has the date of the receipt, and where the last month has no such
day, with the last hour of its last day. What its Article 3(4) adds for Saturdays, Sundays and
holidays, which depend on the country, the hub does not count on: it never shows a later day.
"""

from calendar import monthrange
from datetime import date

from django.utils import timezone

MOST_MONTHS_MORE = 2
# The GDPR applies from then on.
FIRST_DAY = date(2018, 5, 25)
_SOON = 7


def months_after(day: date, months: int) -> date:
    """The same date so many months later; the last day of that month where it has no such date."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def due_after(received_on: date, extended_months: int = 0) -> date:
    """The last day for the answer to what was received on a day."""
    return months_after(received_on, 1 + extended_months)


def today() -> date:
    """The day that it is in the time zone of the hub, by which it counts."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


def days_left(due_on: date) -> int:
    """How many days are left after today; below 0 it is overdue."""
    return (due_on - today()).days


def left_in_words(due_on: date) -> str:
    """Such as “12 days left”, “Due today” or “3 days overdue”."""
    days = days_left(due_on)
    if days == 0:
        return "Due today"
    if days == 1:
        return "Due tomorrow"
    count = f"{abs(days):,} day{'' if abs(days) == 1 else 's'}"
    return f"{count} left" if days > 0 else f"{count} overdue"


def urgency_of(due_on: date) -> str:
    """The kind of badge for a day: bad, warning or neutral."""
    days = days_left(due_on)
    return "bad" if days <= 0 else "warning" if days <= _SOON else "neutral"
