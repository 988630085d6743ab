"""The report: a page of Markdown with medians and ranges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile, takewhile
from statistics import median


@dataclass
class Section:
    """A part of the report: a table, what there is to know of it, and what went wrong.

    One without columns is a text alone.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: str = ""
    problems: list[str] = field(default_factory=list)


def render(title: str, sections: Iterable[Section]) -> str:
    """The whole report; what went wrong comes first."""
    sections = list(sections)
    parts = [f"# {title}"]
    if problems := problems_of(sections):
        parts.append("**This run failed.** Its figures mean nothing until this is put right:")
        parts.append("\n".join(f"- {problem}" for problem in problems))
    for section in sections:
        parts += [f"## {section.title}", *([section.text] if section.text else [])]
        parts += [_table(section.columns, section.rows)] if section.columns else []
    return "\n\n".join(parts) + "\n"


def problems_of(sections: Iterable[Section]) -> list[str]:
    """What went wrong, in all of the sections."""
    return [problem for section in sections for problem in section.problems]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median of what was measured, with the range of it."""
    middle, lowest, highest = (
        f"{value:,.{digits}f}" for value in (median(values), min(values), max(values))
    )
    return middle if lowest == highest else f"{middle} ({lowest} to {highest})"


def code_block(text: str) -> str:
    """A text that is shown as it is."""
    return f"```\n{text}\n```"


def read_table(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading of a Markdown page, names of columns first."""
    lines = text.partition(f"# {heading}\n")[2].splitlines()
    table = takewhile(_is_row, dropwhile(lambda line: not _is_row(line), lines))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return [row for row in rows if set("".join(row)) != {"-"}]


def _is_row(line: str) -> bool:
    return line.startswith("|")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    # What is not in the first column is a number.
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return "\n".join("| " + " | ".join(_escaped(row)) + " |" for row in [columns, rule, *rows])


def _escaped(cells: Sequence[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in cells]
