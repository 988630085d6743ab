"""The cards of the dashboard. Each app adds those about what it knows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from django.http import HttpRequest

from adminsite.periods import Bucket, Period, period_of, problem_of
from adminsite.permissions import May

_CHOICES = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7": "7 days",
    "30": "30 days",
    "90": "90 days",
}
_FEW = 20


class Change(NamedTuple):
    """How a number differs from that of the period before: short, in words, and how good it is."""

    text: str
    words: str
    kind: str = "neutral"


@dataclass(frozen=True)
class Figure:
    """One number of the dashboard, which leads to the rows that it counts.

    One with a `change` is about the period that the user has chosen, one without about this moment.
    """

    name: str
    icon: str
    value: str
    note: str
    url: str
    is_urgent: bool = False
    change: Change | None = None


@dataclass(frozen=True)
class Bar:
    """A line of a list of bars, which leads to the rows that it counts."""

    name: str
    count: int
    url: str
    change: Change | None = None
    # What is shown instead of the count.
    text: str = ""


@dataclass(frozen=True)
class BarList:
    """What there was most of, such as the top pages; `empty` says what to do if there is nothing.

    `note` stands below it.
    """

    title: str
    bars: Sequence[Bar]
    empty: str
    note: str = ""

    @property
    def lines(self) -> list[tuple[Bar, int]]:
        """Each bar with its length, in per cent of the longest."""
        most = max((bar.count for bar in self.bars), default=0)
        return [(bar, round(100 * bar.count / most) if most > 0 else 0) for bar in self.bars]


class Column(NamedTuple):
    """An hour or a day of a chart: how much there was of each series, and the rows behind it."""

    bucket: Bucket
    counts: Sequence[int]
    url: str

    @property
    def total(self) -> int:
        return sum(self.counts)


class Part(NamedTuple):
    """A part of a column as it is drawn: which series it is, and where it stands."""

    number: int
    y: float
    height: float


@dataclass(frozen=True)
class TimeChart:
    """How much there was by the hour or by the day, in series that add up."""

    title: str
    series: Sequence[str]
    columns: Sequence[Column]

    @cached_property
    def most(self) -> int:
        return max((column.total for column in self.columns), default=0)

    @property
    def drawn(self) -> list[tuple[int, Column, list[Part]]]:
        """Each column with its place and its parts, from the bottom up, of 100 in height."""
        return [
            (number * 10, column, self._parts(column)) for number, column in enumerate(self.columns)
        ]

    @property
    def width(self) -> int:
        return 10 * len(self.columns)

    def _parts(self, column: Column) -> list[Part]:
        parts, y = [], 100.0
        for number, count in enumerate(column.counts):
            height = 100 * count / self.most if self.most else 0
            y -= height
            parts.append(Part(number, round(y, 2), round(height, 2)))
        return parts


@dataclass(frozen=True)
class CardContent:
    """What a card shows: figures, charts and lists, which stand beside those of other cards, and
    what its template needs.

    `said` is its part of the sentence at the top, `notices` what keeps figures from being right.
    Without a `context` the template is left out.
    """

    figures: Sequence[Figure] = ()
    context: dict[str, object] = field(default_factory=dict)
    said: str = ""
    notices: Sequence[str] = ()
    charts: Sequence[TimeChart] = ()
    lists: Sequence[BarList] = ()


@dataclass(frozen=True)
class DashboardCard:
    """A part of the dashboard, for users who `may_see` it.

    `build` reads, in a constant number of queries, what it shows; `period_of` tells it of when.
    """

    position: int
    may_see: May
    build: Callable[[HttpRequest], CardContent]
    template: str = ""


_cards: list[DashboardCard] = []


def register_card(card: DashboardCard) -> None:
    """Add a card to the dashboard."""
    _cards.append(card)
    _cards.sort(key=lambda one: one.position)


def build_cards(request: HttpRequest) -> dict[str, object]:
    """What the template of the dashboard needs to show this user their cards, in order."""
    built = [(card, card.build(request)) for card in _cards if card.may_see(request.user)]
    contents = [content for _, content in built]
    figures = list(chain.from_iterable(content.figures for content in contents))
    period = period_of(request)
    return {
        "period": period,
        "problem": problem_of(request),
        "choices": _choices(period),
        "sentence": _sentence(period, [content.said for content in contents if content.said]),
        "notices": list(chain.from_iterable(content.notices for content in contents)),
        "figures": [figure for figure in figures if figure.change],
        "work": [figure for figure in figures if not figure.change],
        "charts": list(chain.from_iterable(content.charts for content in contents)),
        "lists": list(chain.from_iterable(content.lists for content in contents)),
        "cards": [(card, content) for card, content in built if content.context],
        "may_see_nothing": not built,
    }


def compare(now: int, before: int, period: Period, *, more_is: str = "good") -> Change:
    """How `now` differs from `before`; `more_is` good, bad or neutral."""
    if now == before:
        return Change("no change", f"As many as in {period.before_name}")
    # Of small numbers, per cent would look like more than there is.
    text = _signed(now - before) if before < _FEW else _percent(now / before - 1)
    words = f"{'More' if now > before else 'Fewer'} than the {before:,} of {period.before_name}"
    return Change(text, words, _kind(now > before, more_is))


def compare_rates(now: float | None, before: float | None, period: Period) -> Change:
    """How a rate in per cent differs from that of the period before, in percentage points."""
    if now is None or before is None:
        return Change("", f"There is nothing to compare with {period.before_name}")
    difference = round(now) - round(before)
    if not difference:
        return Change("no change", f"The same as {period.before_name}")
    words = (
        f"{'More' if difference > 0 else 'Less'} than the {round(before)} % of {period.before_name}"
    )
    return Change(f"{_signed(difference)} points", words, _kind(difference > 0, "good"))


def counted(count: int, one: str, many: str) -> str:
    """A number with its noun: “1 person”, “1,204 people”."""
    return f"{count:,} {one if count == 1 else many}"


def _percent(share: float) -> str:
    # Ten times as many is clearer than 900 %.
    if share >= 9:
        return f"{share + 1:,.0f} times"
    return f"{_signed(round(100 * share))} %" if abs(share) >= 0.005 else "almost the same"


def _signed(number: int) -> str:
    return f"+{number:,}" if number > 0 else f"\N{MINUS SIGN}{-number:,}"


def _kind(is_more: bool, more_is: str) -> str:
    if more_is == "neutral":
        return "neutral"
    return "good" if is_more == (more_is == "good") else "bad"


def _sentence(period: Period, said: list[str]) -> str:
    return f"{period.name}: {'; '.join(said) or 'nothing to tell'}."


def _choices(period: Period) -> list[tuple[str, str, bool]]:
    """The ranges that a click chooses: key, name and whether it is chosen."""
    return [(key, name, key == period.key) for key, name in _CHOICES.items()]
