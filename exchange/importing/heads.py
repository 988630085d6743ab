"""Where the names of a table's columns stand, and what columns without a name are called."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.importing.errors import CannotRead

# What stands in cells, and is not what people call a column.
_VALUE = re.compile(
    r"[^@\s]+@[^@\s]+\.[^@\s]+"  # an email
    r"|[+-]?[0-9][0-9.,:/ -]*"  # a number, a date, a phone
    r"|https?://.*"
)
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Head:
    """The names of the columns.

    :ivar is_named: whether the file names them
    :ivar first_row: the number of the first row that has values
    """

    names: list[str]
    is_named: bool
    first_row: int


def find_head(rows: Sequence[tuple[int, list[str]]], has_headers: bool | None = None) -> Head:
    """The head of a table that begins with `rows`, each with its number.

    Titles above it are no rows of the table. `has_headers` says what a user knows better.

    :raises CannotRead: if there is nothing in the rows
    """
    filled = [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]
    if not filled:
        raise CannotRead("The file has no cells with anything in them. Choose one that has rows.")
    widths = [sum(1 for cell in cells if cell.strip()) for _, cells in filled]
    usual = max(Counter(widths).items(), key=lambda item: (item[1], item[0]))[0]
    # A title, or a sentence about the export, has one cell where the table has many.
    at = next((i for i, width in enumerate(widths) if width > 1 or usual < 2), 0)
    number, cells = filled[at]
    if has_headers is None:
        has_headers = not any(_VALUE.fullmatch(cell.strip()) for cell in cells if cell)
    if has_headers:
        return Head(named_once(cells), is_named=True, first_row=number + 1)
    width = max(len(cells) for _, cells in filled[at:])
    return Head(named_once([""] * width), is_named=False, first_row=number)


def named_once(cells: Sequence[str]) -> list[str]:
    """What each column is called: an empty name is “Column 3”, the second of two “email (2)”."""
    names: list[str] = []
    taken: set[str] = set()
    for position, cell in enumerate(cells, start=1):
        text = " ".join(cell.replace("\0", "").encode("utf-8", "replace").decode().split())
        base = text[:_LONGEST_NAME] or f"Column {position}"
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base} ({count})"
        taken.add(name)
        names.append(name)
    return names
