"""Times as clients write them, in the forms of ISO 8601 and RFC 3339."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

# A year and the number of the day in it.
_ORDINAL = re.compile(r"([0-9]{4})(-?)([0-9]{3})(?=[T ]|$)")
# The end of a day, and the second that is put in from time to time.
_END_OF_DAY = re.compile(r"(?<=[T ])24(?=(?::?00(?::?00(?:[.,]0+)?)?)?(?:[Z+-]|$))")
_LEAP_SECOND = re.compile(r"(?<=[T ])([0-9]{2}(:?)[0-9]{2}\2)60(?=[.,Z+-]|$)")


def parse_time(text: str, zone: tzinfo | None = UTC) -> datetime:
    """The time that `text` says; without an offset it is one of `zone`, if there is that.

    Small letters (`t`, `z`), ordinal dates (`2026-123`), the end of a day (`24:00`), and a leap
    second (`:60`), which counts as the second after it, are understood as well.

    :raises ValueError: if it says none, or has neither offset nor zone
    :raises OverflowError: if it is beyond what Python knows
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = _parse_rarer(text.strip().upper())
    if time.tzinfo:
        return time
    if zone is None:
        raise ValueError("the time has no offset")
    return time.replace(tzinfo=zone)


def _parse_rarer(text: str) -> datetime:
    later = timedelta()
    if ordinal := _ORDINAL.match(text):
        text = _day_of_year(ordinal) + text[ordinal.end() :]
    if end := _END_OF_DAY.search(text):
        text, later = f"{text[: end.start()]}00{text[end.end() :]}", timedelta(days=1)
    elif leap := _LEAP_SECOND.search(text):
        text, later = f"{text[: leap.end(1)]}59{text[leap.end() :]}", timedelta(seconds=1)
    return datetime.fromisoformat(text) + later


def _day_of_year(found: re.Match[str]) -> str:
    year, number = int(found[1]), int(found[3])
    day = date(year, 1, 1) + timedelta(days=number - 1)
    if day.year != year:
        raise ValueError("the year has no such day")
    return day.strftime(f"{found[1]}{found[2]}%m{found[2]}%d")
