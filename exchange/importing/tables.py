"""Tables, whatever file they come from: names of columns, and rows that have a number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from exchange.importing.errors import CannotRead

MOST_COLUMNS = 1_000
_NUL_SHOWN = "␀"

type Cells = list[str]
type Row = tuple[int, Cells]


class Unreadable(list[str]):
    """The cells of a row that cannot be taken, and the reason in a sentence."""

    def __init__(self, reason: str, cells: Sequence[str]):
        super().__init__(cells)
        self.reason = reason


@dataclass
class Table:
    """Rows below the names of columns.

    :ivar headers: what the columns are called, each once, none of them empty
    :ivar kind: `csv`, `xlsx`, `xls`, `ods` or `mailchimp`
    :ivar sheets: the sheets of a workbook; `sheet` is the one that is read
    :ivar has_headers: whether the file names its columns; else they are called “Column 1”, …
    :ivar said: how the file was read, such as “UTF-8, semicolons”
    """

    headers: list[str]
    path: Path
    kind: str = "csv"
    sheets: list[str] = field(default_factory=list)
    sheet: str = ""
    has_headers: bool = True
    said: str = ""
    source: "Source | None" = None

    def rows(self) -> Iterator[Row]:
        """The number of each row as a spreadsheet shows it, and a text for each column.

        Blank rows are left out. A row that cannot be taken comes as `Unreadable`.

        :raises CannotRead: if the rest of the file cannot be read
        """
        assert self.source is not None
        return self.source.rows(len(self.headers))


@dataclass(frozen=True)
class Source:
    """Where the rows of a table come from."""

    def rows(self, width: int) -> Iterator[Row]:
        """The rows below the head, made `width` cells wide."""
        raise NotImplementedError


def check_width(columns: int) -> None:
    """Make sure that a table is no wider than the hub takes.

    :raises CannotRead: if it is
    """
    if columns > MOST_COLUMNS:
        raise CannotRead(
            f"The file has {columns:,} columns, and at most {MOST_COLUMNS:,} are read. Delete "
            "those that you do not import, and upload it again."
        )


def fitted(cells: Cells, width: int, reason: str = "") -> Cells:
    """`cells` for a table of this width, or as `Unreadable` for the `reason` or for their number.

    Empty cells beyond the last column are no mistake.
    """
    if not reason and len(cells) == width and not _has_nul(cells):
        return cells
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    if reason:
        pass
    elif _has_nul(cells):
        reason = "This row contains a NUL character. Delete it, or save the table anew."
    elif len(cells) != width:
        what = "a text with the delimiter in it lacks its quotation marks"
        if len(cells) < width:
            what = "its end is missing, or a text with a line break lacks its quotation marks"
        cells_said = "1 cell" if len(cells) == 1 else f"{len(cells):,} cells"
        columns_said = "1 column" if width == 1 else f"{width:,} columns"
        reason = f"This row has {cells_said}, and the table has {columns_said}: {what}."
    return Unreadable(reason, list(map(_shown, cells))) if reason else cells


def _has_nul(cells: Cells) -> bool:
    return "\0" in "".join(cells)


def _shown(cell: str) -> str:
    # PostgreSQL keeps neither NULs nor halves of pairs; the row is shown as it came all the same.
    return cell.replace("\0", _NUL_SHOWN).encode("utf-8", "replace").decode()
