"""What the columns of a table look like: examples, emails, dates."""

import re
from typing import Any

from exchange.importing.date_orders import DateLook, looks_like_a_date

# So many values of a column tell what it is; dates are looked at to the end.
_SAMPLE, _EXAMPLES, _LONGEST_EXAMPLE = 200, 3, 80
_EMAIL = re.compile(r"\s*[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+\s*")
_MOST = 0.8
_HALF = 0.5


class Columns:
    """Looks at rows, one after the other."""

    def __init__(self, headers: list[str]):
        self._headers = headers
        self._samples: list[list[str]] = [[] for _ in headers]
        # Which columns still need samples, and which are looked at to the end.
        self._fresh = list(range(len(headers)))
        self._dates: dict[int, DateLook] = {}

    def see(self, cells: list[str]) -> None:
        """Look at one row."""
        for at, look in self._dates.items():
            if cell := cells[at].strip():
                look.see(cell)
        if not self._fresh:
            return
        for at in tuple(self._fresh):
            if cell := cells[at].strip():
                self._samples[at].append(cell)
                if len(self._samples[at]) >= _SAMPLE:
                    self._settle(at)

    def _settle(self, at: int) -> None:
        """Have enough samples of a column."""
        self._fresh.remove(at)
        samples = self._samples[at]
        if _share(samples, looks_like_a_date) >= _HALF:
            self._dates[at] = look = DateLook()
            for sample in samples:
                look.see(sample)

    def told(self) -> list[dict[str, Any]]:
        """For each column its name, examples, whether it holds emails, and what its dates are."""
        for at in tuple(self._fresh):
            self._settle(at)
        return [self._told(at, name) for at, name in enumerate(self._headers)]

    def _told(self, at: int, name: str) -> dict[str, Any]:
        samples = self._samples[at]
        look = self._dates.get(at)
        return {
            "name": name,
            "examples": [one[:_LONGEST_EXAMPLE] for one in dict.fromkeys(samples)][:_EXAMPLES],
            "is_empty": not samples,
            "emails": _share(samples, _EMAIL.fullmatch) >= _MOST,
            "dates": look.told() if look else None,
        }


def _share(samples: list[str], holds: Any) -> float:
    return sum(bool(holds(one)) for one in samples) / len(samples) if samples else 0.0
