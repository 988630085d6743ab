"""Two versions of an automation side by side, and moving contacts from one to the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.contrib import messages

from automations.admin.actions import Said
from automations.admin.phrases import branch_names, phrase_of_step, phrase_of_trigger, read_loosely
from automations.approving import CHANGED
from automations.control import CannotMove, move_runs, preview_move
from automations.models import Version
from automations.steps import InvalidAutomation, Step

_END = "the end"


@dataclass(frozen=True)
class Compared:
    """One line of a comparison: what it said before and says now, "" where it is not there."""

    before: str
    after: str

    @property
    def kind(self) -> str:
        """What became of it: `same`, `new`, `gone` or `other`."""
        if self.before == self.after:
            return "same"
        return "new" if not self.before else "other" if self.after else "gone"


@dataclass(frozen=True)
class _Line:
    """A step, or a branch of one, in words; `key` tells it from the others."""

    key: str
    text: str


def comparison(old: Version, new: Version) -> dict[str, Any]:
    """What the page that compares two versions needs."""
    context: dict[str, Any] = {
        "old": old,
        "new": new,
        "lines": [
            Compared(phrase_of_trigger(old.trigger), phrase_of_trigger(new.trigger)),
            *_compared(
                list(_lines(read_loosely(old.steps))), list(_lines(read_loosely(new.steps)))
            ),
        ],
    }
    try:
        moves = preview_move(old, new)
    except (CannotMove, InvalidAutomation) as error:
        return context | {"moves": [], "problem": str(error)}
    said = {line.key: line.text.strip() for line in _lines(read_loosely(old.steps))}
    said |= {line.key: line.text.strip() for line in _lines(read_loosely(new.steps))}
    rows = [(said.get(move.step, _END), said.get(move.leads_to, _END), move.runs) for move in moves]
    return context | {"moves": rows, "moved": sum(move.runs for move in moves)}


def move(old: Version, new: Version, looked_at: int | None) -> Said:
    """Have the contacts of a version go on in another; a message and its level.

    :param looked_at: the number of the version that the user has compared the old one with
    """
    if looked_at != new.number:
        return messages.ERROR, CHANGED
    try:
        count = move_runs(old, new)
    except (CannotMove, InvalidAutomation) as error:
        return messages.ERROR, str(error)
    contacts = "1 contact goes" if count == 1 else f"{count:,} contacts go"
    return messages.SUCCESS, f"{contacts} on in version {new.number}."


def _lines(steps: Sequence[Step], depth: int = 0) -> Iterator[_Line]:
    indent = "\u2003" * depth
    for step in steps:
        yield _Line(step.key, f"{indent}{phrase_of_step(step)}")
        for number, (name, branch) in enumerate(
            zip(branch_names(step), step.branches, strict=True)
        ):
            yield _Line(f"{step.key} {number}", f"{indent}{name}:")
            yield from _lines(branch, depth + 1)


def _compared(old: Sequence[_Line], new: Sequence[_Line]) -> Iterator[Compared]:
    """The lines of both in one order: those with one key side by side, as far as none was moved."""
    matcher = SequenceMatcher(None, [one.key for one in old], [one.key for one in new], False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            for before, after in zip(old[i1:i2], new[j1:j2], strict=True):
                yield Compared(before.text, after.text)
            continue
        yield from (Compared(one.text, "") for one in old[i1:i2])
        yield from (Compared("", one.text) for one in new[j1:j2])
