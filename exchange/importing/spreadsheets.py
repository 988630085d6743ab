"""Tables in workbooks: Excel's .xlsx, .xlsb and .xls, and OpenDocument's .ods.

The library that reads them holds a whole sheet in memory, several hundred megabytes for half a
million rows. So a process of its own turns the sheet into a CSV, with a limit of memory and time
that it cannot pass, and ends. What the hub itself reads is the CSV, row by row.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.importing.delimited import numbered
from exchange.importing.errors import CannotRead
from exchange.importing.heads import Head, find_head
from exchange.importing.scratch import Scratch
from exchange.importing.tables import Cells, Row, Source, Table, check_width, fitted

# What the process of its own may take.
MOST_MEGABYTES, MOST_SECONDS = 1_536, 120
_PROGRAM = Path(__file__).with_name("workbook_program.py")
_LOOKED_AT_ROWS = 100
_TOO_LARGE = (
    "The workbook needs more memory or time than the hub has for one. Save the sheet as CSV, which "
    "may have any number of rows, and upload that."
)
_NAMES = {"xlsx": "Excel workbook", "xlsb": "Excel workbook", "xls": "Excel workbook of 2003"}


@dataclass(frozen=True)
class SheetSource(Source):
    """A sheet that was turned into a CSV; it is deleted with this."""

    folder: Scratch
    path: Path
    head: Head

    def rows(self, width: int) -> Iterator[Row]:
        """The rows below the head, made `width` cells wide."""
        with self.path.open(encoding="utf-8", newline="") as file:
            for number, cells in numbered(file, ","):
                if number >= self.head.first_row and any(cells):
                    yield number, _as_wide(cells, width)


def open_workbook(
    path: Path, kind: str, *, sheet: str = "", has_headers: bool | None = None
) -> Table:
    """The table in a sheet of the workbook at `path`, by default in the first that has cells.

    :raises CannotRead: if it cannot be read, or is larger than there is memory for
    """
    folder = Scratch(path)
    made = folder.path / "sheet.csv"
    told = _run(path, made, sheet)
    if "error" in told:
        raise CannotRead(told["error"])
    with made.open(encoding="utf-8", newline="") as file:
        first = [row for _, row in zip(range(_LOOKED_AT_ROWS), numbered(file, ","), strict=False)]
    head = find_head([(number, _trimmed(cells)) for number, cells in first], has_headers)
    check_width(len(head.names))
    said = _NAMES.get(kind, "OpenDocument spreadsheet")
    return Table(
        headers=head.names,
        path=path,
        kind=kind,
        sheets=told["sheets"],
        sheet=told["sheet"],
        has_headers=head.is_named,
        said=f"{said}, sheet “{told['sheet']}”",
        source=SheetSource(folder, made, head),
    )


def _run(path: Path, made: Path, sheet: str) -> dict[str, Any]:
    """What the process says that turns a sheet into the CSV `made`."""
    limits = [str(MOST_MEGABYTES), str(MOST_SECONDS)]
    command = [sys.executable, "-I", str(_PROGRAM), str(path), str(made), sheet, *limits]
    try:
        done = subprocess.run(  # noqa: S603 -- our own program
            command, capture_output=True, timeout=2 * MOST_SECONDS, check=False
        )
        told = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        # Without an answer it was ended by one of its limits.
        raise CannotRead(_TOO_LARGE) from None
    return told


def _as_wide(cells: Cells, width: int) -> Cells:
    # A sheet is a rectangle: what is missing at the end of a row is empty.
    cells += [""] * (width - len(cells))
    return fitted(cells, width)


def _trimmed(cells: Cells) -> Cells:
    """`cells` without the empty ones at the end."""
    while cells and not cells[-1].strip():
        cells.pop()
    return cells
