"""Rules in words: “Page visit: deleted after 13 months”."""

_MONTHS_OF_A_YEAR = 12
_DAYS_OF_A_YEAR = 365


def days_of(months: int) -> int:
    """So many months as days: 13 are 395, 12 a year of 365."""
    return round(months * _DAYS_OF_A_YEAR / _MONTHS_OF_A_YEAR)


def months_of(days: int) -> int | None:
    """How many whole months `days` are, as `days_of` counts them; None if they are none."""
    months = round(days * _MONTHS_OF_A_YEAR / _DAYS_OF_A_YEAR)
    return months if months and days_of(months) == days else None


def period(days: int) -> str:
    """How long that is: “13 months”, “2 years”, “45 days”; a single month in days."""
    months = months_of(days)
    if months is None or months == 1:
        return _some(days, "day")
    years, rest = divmod(months, _MONTHS_OF_A_YEAR)
    return _some(months, "month") if rest else _some(years, "year")


def sentence(kind: str, days: int, activity_type: str | None) -> str:
    """What a rule of this kind does.

    :param activity_type: the name of its type; None for all that have no rule of their own
    """
    after = period(days)
    if kind == "anonymous":
        return f"Anonymous contacts are erased when nothing was seen of them for {after}"
    if kind == "inactive":
        return f"Known contacts are erased when they did nothing for {after}"
    if activity_type is None:
        return f"Activities of all types without a rule of their own are deleted after {after}"
    return f"Activities of the type “{activity_type}” are deleted after {after}"


def _some(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count:,} {word}s"
