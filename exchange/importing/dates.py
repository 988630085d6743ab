"""Dates and times of columns: read by a format, or by what the whole column can only mean."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache

from django.utils import timezone

# What stands for a part of a date, the longest first.
_PARTS = {
    "YYYY": ("year", r"[0-9]{4}"),
    "YY": ("short_year", r"[0-9]{2}"),
    "MM": ("month", r"[0-9]{1,2}"),
    "M": ("month", r"[0-9]{1,2}"),
    "DD": ("day", r"[0-9]{1,2}"),
    "D": ("day", r"[0-9]{1,2}"),
    "HH": ("hour", r"[0-9]{1,2}"),
    "H": ("hour", r"[0-9]{1,2}"),
    "mm": ("minute", r"[0-9]{2}"),
    "SS": ("second", r"[0-9]{2}"),
    "ss": ("second", r"[0-9]{2}"),
}
_PART = re.compile("|".join(_PARTS))
_LETTERS = re.compile(r"[A-SU-Za-z]")
_ZONE = r"(?:\s*(?P<zone>Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
_TIME = (
    r"(?:[T ]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?"
    rf"{_ZONE})?"
)
_BIG_FIRST = re.compile(
    r"(?P<year>[0-9]{4})(?P<separator>[-/.]?)(?P<month>[0-9]{1,2})(?P=separator)"
    rf"(?P<day>[0-9]{{1,2}}){_TIME}"
)
_SMALL_FIRST = re.compile(
    r"(?P<one>[0-9]{1,2})(?P<separator>[-/.])(?P<two>[0-9]{1,2})(?P=separator)"
    rf"(?P<year>[0-9]{{4}}|[0-9]{{2}}){_TIME}"
)
_DAY_FIRST, _MONTH_FIRST = "DD/MM/YYYY", "MM/DD/YYYY"


class BadFormat(ValueError):
    """This is no format of a date; the message says why."""


class ReadsTwoWays(ValueError):
    """A column can be read in two ways; the message says which."""


class NoDate(ValueError):
    """A text is no date in this format."""


class DateFormat:
    """How the dates of a column are written, such as `DD/MM/YYYY` or `DD.MM.YYYY HH:MM`."""

    def __init__(self, text: str, pattern: re.Pattern[str] | None, *, is_day_first: bool = True):
        self.text, self._pattern, self._is_day_first = text, pattern, is_day_first

    @classmethod
    def of(cls, text: str) -> "DateFormat":
        """The format that `text` says.

        :raises BadFormat: if it says none
        """
        parts: list[str] = []
        pattern, place = "", 0
        for found in _PART.finditer(text):
            pattern += _literally(text[place : found.start()], text)
            place = found.end()
            name, digits = _PARTS[found[0]]
            if name == "month" and "hour" in parts and "minute" not in parts:
                name, digits = "minute", "[0-9]{2}"
            # What has nothing between it has all its digits.
            if found.start() and text[found.start() - 1].isalpha():
                digits = f"[0-9]{{{len(found[0])}}}"
                pattern = re.sub(r"\{1,2\}\)$", "{2})", pattern)
            if name in parts:
                raise BadFormat(f"The format “{text}” names the {name} twice.")
            parts.append(name)
            pattern += f"(?P<{name}>{digits})"
        pattern += _literally(text[place:], text)
        if not {"month", "day"} <= set(parts) or not {"year", "short_year"} & set(parts):
            raise BadFormat(
                f"The format “{text}” has to have a day (DD), a month (MM) and a year (YYYY)."
            )
        return cls(text, re.compile(pattern + (_ZONE if "hour" in parts else "")))

    def read(self, text: str) -> datetime:
        """The time that `text` says, in UTC unless it has an offset.

        What is written with the year first, as in ISO 8601, can always be read.

        :raises NoDate: if it says none
        """
        if self._pattern is not None and (found := self._pattern.fullmatch(text)):
            return _time_of(found.groupdict())
        if found := _BIG_FIRST.fullmatch(text):
            return _time_of(found.groupdict())
        if self._pattern is None and (found := _SMALL_FIRST.fullmatch(text)):
            parts = found.groupdict()
            one, two = parts["one"], parts["two"]
            is_day_first = self._is_day_first or parts["separator"] == "."
            parts["day"], parts["month"] = (one, two) if is_day_first else (two, one)
            return _time_of(parts)
        raise NoDate

    @staticmethod
    def detect(values: Iterable[str], column: str) -> "DateFormat":
        """The format of a column with these values, of which as many are read as are needed.

        :raises ReadsTwoWays: if it may be two
        """
        is_in_doubt = False
        for value in values:
            found = _SMALL_FIRST.fullmatch(value.strip())
            if found is None or found["separator"] == ".":
                continue
            one, two = int(found["one"]), int(found["two"])
            if one > 12 >= two:
                return DAY_FIRST
            if two > 12 >= one:
                return MONTH_FIRST
            is_in_doubt |= one != two
        if is_in_doubt:
            raise ReadsTwoWays(
                f"The dates of the column “{column}” read two ways, {_DAY_FIRST} and "
                f"{_MONTH_FIRST}: say in the mapping which format it has."
            )
        return DAY_FIRST


DAY_FIRST = DateFormat(_DAY_FIRST, None)
MONTH_FIRST = DateFormat(_MONTH_FIRST, None, is_day_first=False)


def _literally(text: str, whole: str) -> str:
    if _LETTERS.search(text):
        raise BadFormat(
            f"The format “{whole}” may have D, M, Y, H, m and S, and signs between them: "
            "DD/MM/YYYY, or YYYY-MM-DD HH:MM:SS."
        )
    return re.escape(text)


def _time_of(parts: dict[str, str | None]) -> datetime:
    year = parts.get("year") or parts.get("short_year") or ""
    try:
        time = datetime(
            int(year) if len(year) == 4 else _century(int(year)),
            int(parts["month"] or 0),
            int(parts["day"] or 0),
            int(parts.get("hour") or 0),
            int(parts.get("minute") or 0),
            int(parts.get("second") or 0),
            tzinfo=_zone(parts.get("zone") or ""),
        )
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise NoDate from None


def _century(year: int) -> int:
    """The last year that ends with these two digits and is not to come."""
    this = timezone.localdate().year
    return this - (this - year) % 100


@lru_cache(maxsize=100)
def _zone(text: str):
    if text in ("", "Z", "UTC"):
        return UTC
    return datetime.fromisoformat(f"2000-01-01T00:00:00{text}").tzinfo


def day_of(time: datetime) -> date:
    """The day of a time that was read of a birthday."""
    return time.date()
