"""The map of an automation: boxes and lines of an SVG, laid out from top to bottom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from automations.admin.counting import StepCounts
from automations.admin.phrases import branch_names, phrase_of_trigger
from automations.saying import known_by, say_step
from automations.steps import Step, all_steps
from groups.names import Known

_WIDTH, _HEIGHT = 190, 46
_GAP, _BETWEEN = 26, 16
_LETTERS = 30
# Where the name of a branch stands above its first box.
_LABEL = 18
_SMALLEST = 0.75


@dataclass(frozen=True)
class Box:
    """A step, or the trigger: where it is, what it says, and how many contacts it has."""

    x: float
    y: float
    kind: str
    text: str
    title: str
    counts: str = ""
    is_bad: bool = False

    @property
    def middle(self) -> float:
        return self.x + _WIDTH / 2

    @property
    def lines(self) -> tuple[tuple[float, str], ...]:
        """The lines of its text, with their heights."""
        if self.counts:
            return ((self.y + 19, self.text), (self.y + 36, self.counts))
        return ((self.y + 28, self.text),)


@dataclass
class Map:
    """What is drawn; `width` and `height` are those of the whole, `known` the names in it."""

    width: float = 0
    height: float = 0
    boxes: list[Box] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    labels: list[tuple[float, float, str]] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    box_width: int = _WIDTH
    box_height: int = _HEIGHT

    @property
    def least_width(self) -> int:
        """How narrow it can be and still be read; where there is less room, it is scrolled."""
        return round(self.width * _SMALLEST)


@dataclass(frozen=True)
class Line:
    """One step of the map as text: how deep it is, and what stands on its box."""

    text: str
    counts: str
    branches: Sequence[tuple[str, Sequence["Line"]]] = ()


def draw(trigger: object, steps: Sequence[Step], counts: Mapping[str, StepCounts]) -> Map:
    """The map of trigger and steps, with what is counted by the keys of steps."""
    found = Map(known=known_by(all_steps(steps)))
    width = _width_of(steps)
    said = phrase_of_trigger(trigger)
    box = Box((width - _WIDTH) / 2, 1, "trigger", _cut(said), said)
    found.boxes.append(box)
    ends = _list(found, steps, counts, 0, width, _HEIGHT + 1, [(box.middle, _HEIGHT + 1)])
    bottom = max([box.y + _HEIGHT for box in found.boxes])
    if ends:
        found.labels.append((width / 2, bottom + _GAP + 12, "End"))
        found.lines += [_way(x, y, width / 2, bottom + _GAP) for x, y in ends]
    found.width, found.height = width, bottom + _GAP + 20
    return found


def in_words(steps: Sequence[Step], counts: Mapping[str, StepCounts]) -> list[Line]:
    """The same as nested lists, for those who read instead of looking."""
    return _in_words(steps, counts, known_by(all_steps(steps)))


def _in_words(steps: Sequence[Step], counts: Mapping[str, StepCounts], known: Known) -> list[Line]:
    return [
        Line(
            say_step(step, known),
            _counted(counts.get(step.key)),
            [
                (name, _in_words(branch, counts, known))
                for name, branch in zip(branch_names(step), step.branches, strict=True)
            ]
            if step.branches
            else (),
        )
        for step in steps
    ]


def _list(
    found: Map,
    steps: Sequence[Step],
    counts: Mapping[str, StepCounts],
    left: float,
    width: float,
    top: float,
    ends: list[tuple[float, float]],
) -> list[tuple[float, float]]:
    """Draw a list below the points where ways end; the ends of its own ways."""
    first = len(found.boxes)
    for step in steps:
        y = max([end_y for _, end_y in ends], default=top) + _GAP
        y = max(y, top + _GAP)
        said = say_step(step, found.known)
        of_step = counts.get(step.key)
        box = Box(
            left + (width - _WIDTH) / 2,
            y,
            step.type,
            _cut(said.replace(" the contact ", ": ", 1) if "rule" in step.members else said),
            said,
            _cut(_counted(of_step)),
            bool(of_step and of_step.failing),
        )
        found.boxes.append(box)
        found.lines += [_way(x, end_y, box.middle, y) for x, end_y in ends]
        ends = [(box.middle, y + _HEIGHT)]
        if step.branches:
            ends = _branches(found, step, counts, left, width, box)
        elif step.type == "stop":
            ends = []
        top = max(inner.y for inner in found.boxes[first:]) + _HEIGHT
    return ends


def _branches(
    found: Map,
    step: Step,
    counts: Mapping[str, StepCounts],
    left: float,
    width: float,
    box: Box,
) -> list[tuple[float, float]]:
    widths = [_width_of(branch) for branch in step.branches]
    x = left + (width - sum(widths) - _BETWEEN * (len(widths) - 1)) / 2
    bottom, ends, first = box.y + _HEIGHT, [], len(found.boxes)
    for name, branch, own in zip(branch_names(step), step.branches, widths, strict=True):
        middle, begin = x + own / 2, bottom + _GAP + _LABEL
        found.lines.append(_way(box.middle, bottom, middle, bottom + _GAP))
        found.labels.append((middle, bottom + _GAP + 13, name))
        ends += _list(found, branch, counts, x, own, begin - _GAP + 6, [(middle, begin)])
        x += own + _BETWEEN
    # All ways lead on from below the longest, also if that leads nowhere.
    inside = [inner.y + _HEIGHT for inner in found.boxes[first:]]
    lowest = max([*(y for _, y in ends), *inside], default=bottom)
    found.lines += [_way(x, y, x, lowest) for x, y in ends if y < lowest]
    return [(x, lowest) for x, _ in ends]


def _width_of(steps: Sequence[Step]) -> float:
    of_branches = [
        sum(map(_width_of, step.branches)) + _BETWEEN * (len(step.branches) - 1)
        for step in steps
        if step.branches
    ]
    return max([_WIDTH, *of_branches])


def _way(x: float, y: float, to_x: float, to_y: float) -> str:
    """A line down, across if need be, and down."""
    points = [(x, y), (x, to_y - 12), (to_x, to_y - 12), (to_x, to_y)] if x != to_x else []
    points = points or [(x, y), (to_x, to_y)]
    kept = [points[0], *(after for before, after in pairwise(points) if before != after)]
    return " ".join(f"{one_x:.1f},{one_y:.1f}" for one_x, one_y in kept)


def _counted(counts: StepCounts | None) -> str:
    if counts is None:
        return ""
    parts = [f"{counts.waiting_text} waiting"] if counts.waiting else []
    parts += [f"{counts.passed_text} passed"] if counts.passed else []
    parts += [f"{counts.failing:,} failed"] if counts.failing else []
    return ", ".join(parts)


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
