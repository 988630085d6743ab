"""In which order day, month and year of a column are written, found by looking at all of it.

03/04/2021 is two days. One value beyond 12 tells the order of a column; where none does, a user is
asked, once for the column.
"""

import re
from collections import Counter
from datetime import date
from typing import Any

_DATE = re.compile(
    r"\s*([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{1,4})"
    r"(?:(T| +)([0-9]{1,2}:[0-9]{2})(:[0-9]{2})?(?:\.[0-9]+)?"
    r"\s*(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?\s*"
)
# What Excel makes of an empty cell, or of zero, that is formatted as a date.
_NO_DATES = frozenset({"1899-12-30", "1899-12-31", "1900-01-00", "00:00:00"})
_EARLIEST_YEAR = 1900
_MOST_REMEMBERED = 20_000
_SHOWN = 3

YEAR_FIRST, DAY_FIRST, MONTH_FIRST, EITHER, BOTH, IMPOSSIBLE, OF_1899, NO_DATE = (
    *("year first", "day first", "month first", "either", "the same in both"),
    *("impossible", "of 1899", "no date"),
)


def looks_like_a_date(text: str) -> bool:
    """Whether `text` is written as a date, in whatever order."""
    return text in _NO_DATES or _DATE.fullmatch(text) is not None


def kind_of_date(text: str) -> str:
    """In which order `text` can be a date, or why in none."""
    if text in _NO_DATES:
        return OF_1899
    match = _DATE.fullmatch(text)
    if match is None:
        return NO_DATE
    first, second, third = match[1], match[3], match[4]
    if len(first) == 4:
        day = _day(first, second, third)
        return _judged(day, YEAR_FIRST)
    if len(first) > 2 or len(third) not in (2, 4):
        return NO_DATE
    day_first, month_first = _day(third, second, first), _day(third, first, second)
    if day_first and month_first:
        return _judged(day_first, BOTH if day_first == month_first else EITHER)
    return _judged(day_first or month_first, DAY_FIRST if day_first else MONTH_FIRST)


def _day(year: str, month: str, day: str) -> date | None:
    number = int(year)
    if len(year) == 2:
        number += 2000 if number < 50 else 1900
    try:
        return date(number, int(month), int(day))
    except ValueError:
        return None


def _judged(day: date | None, order: str) -> str:
    if day is None:
        return IMPOSSIBLE
    return OF_1899 if day.year < _EARLIEST_YEAR else order


class DateLook:
    """What the dates of a column look like."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._shapes: Counter[tuple[str, str, bool, int]] = Counter()
        self._examples: dict[str, list[str]] = {}
        self._known: dict[str, str] = {}

    def see(self, text: str) -> None:
        """Look at one value, which is not empty."""
        kind = self._known.get(text)
        if kind is None:
            kind = kind_of_date(text)
            if len(self._known) < _MOST_REMEMBERED:
                self._known[text] = kind
            self._keep(kind, text)
        self._counts[kind] += 1

    def _keep(self, kind: str, text: str) -> None:
        shown = self._examples.setdefault(kind, [])
        if len(shown) < _SHOWN:
            shown.append(text[:40])
        if (match := _DATE.fullmatch(text)) and kind not in (IMPOSSIBLE, OF_1899):
            time = ("HH:MM:SS" if match[7] else "HH:MM") if match[6] else ""
            years = 4 if len(match[1]) == 4 else len(match[4])
            self._shapes[match[2], time, match[5] == "T", years] += 1

    def told(self) -> dict[str, Any] | None:
        """The formats that the column can be read by, the likeliest first; None if it has no dates.

        `asks` says whether only a user can tell which of them it is.
        """
        counts = self._counts
        dates = sum(counts.values()) - counts[NO_DATE]
        if not dates or 2 * dates < sum(counts.values()) or not self._shapes:
            return None
        if counts[YEAR_FIRST] > sum(counts[one] for one in (DAY_FIRST, MONTH_FIRST, EITHER, BOTH)):
            orders, asks = ["YMD"], False
        else:
            orders = ["DMY", "MDY"]
            if counts[MONTH_FIRST] > counts[DAY_FIRST]:
                orders.reverse()
            # Values that are a date in one order only, and in both orders, are for a user as well.
            is_told = bool(counts[DAY_FIRST]) != bool(counts[MONTH_FIRST])
            asks = not is_told and any(counts[one] for one in (EITHER, DAY_FIRST, MONTH_FIRST))
            if not asks and not counts[MONTH_FIRST if orders[0] == "DMY" else DAY_FIRST]:
                orders = orders[:1]
        shape = self._shapes.most_common(1)[0][0]
        return {
            "formats": [_format(order, *shape) for order in orders],
            "asks": asks,
            "counts": dict(counts),
            "examples": self._examples,
        }


def _format(order: str, separator: str, time: str, has_t: bool, years: int) -> str:
    parts = {"Y": "YYYY" if years == 4 else "YY", "M": "MM", "D": "DD"}
    day = separator.join(parts[letter] for letter in order)
    return f"{day}{'T' if has_t else ' '}{time}" if time else day
