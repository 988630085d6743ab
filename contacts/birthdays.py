"""Which days can be the birthday of a contact."""

from datetime import date

from django.utils import timezone

# Nobody alive was born before; years of two digits, and spreadsheets, make such dates.
EARLIEST_BIRTHDAY = date(1880, 1, 1)


def is_credible_birthday(day: date) -> bool:
    """Whether a person can be born on this day: it is not in the future, nor before 1880."""
    return EARLIEST_BIRTHDAY <= day <= timezone.localdate(timezone=timezone.get_default_timezone())
