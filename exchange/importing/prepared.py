"""A file as the hub keeps it between its upload and its import: one table, read and looked at.

It is a CSV in UTF-8 whose first line says what the table is. Each row has its number in the file
that the user has, and the reason if it cannot be taken. Behind the rows stands what was seen in
them, and where that begins.
"""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.importing.columns import Columns
from exchange.importing.tables import Row, Source, Table, Unreadable

_MARK = b"throughline rows 1 "
# No cell has a NUL.
_END = "\0end\n"
_OFFSET_DIGITS = 20


@dataclass(frozen=True)
class PreparedSource(Source):
    """Rows that were read before."""

    path: Path

    def rows(self, width: int) -> Iterator[Row]:
        """The rows."""
        with self.path.open(encoding="utf-8", newline="") as file:
            file.readline()
            lines = iter(file.readline, _END)
            for number, reason, *cells in csv.reader(lines):
                yield int(number), Unreadable(reason, cells) if reason else cells


def is_prepared(start: bytes) -> bool:
    """Whether a file that begins so is one that the hub has written."""
    return start.startswith(_MARK)


def open_prepared(path: Path) -> Table:
    """The table in a file that the hub has written."""
    with path.open("rb") as file:
        told = json.loads(file.readline().removeprefix(_MARK))
    return Table(**told, path=path, source=PreparedSource(path))


def seen_in(path: Path) -> dict[str, Any]:
    """What was seen in the rows of such a file: `rows`, `bad` and the `columns`."""
    with path.open("rb") as file:
        file.seek(-_OFFSET_DIGITS, os.SEEK_END)
        file.seek(int(file.read()))
        return json.loads(file.readline())


def write_prepared(table: Table, path: Path) -> dict[str, Any]:
    """Keep the rows of `table` at `path`, and say what was seen in them.

    :raises CannotRead: if the rest of the file cannot be read
    """
    told = {
        "headers": table.headers,
        "kind": table.kind,
        "sheets": table.sheets,
        "sheet": table.sheet,
        "has_headers": table.has_headers,
        "said": table.said,
    }
    columns, rows, bad = Columns(table.headers), 0, 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
        raw.write(_MARK + json.dumps(told).encode() + b"\n")
    with path.open("a", encoding="utf-8", newline="") as file:
        write = csv.writer(file).writerow
        for number, cells in table.rows():
            rows += 1
            if isinstance(cells, Unreadable):
                bad += 1
                write([number, cells.reason, *cells])
            else:
                write([number, "", *cells])
                columns.see(cells)
        file.write(_END)
        seen = {"rows": rows, "bad": bad, "columns": columns.told()}
        offset = file.tell()
        file.write(f"{json.dumps(seen)}\n{offset:0{_OFFSET_DIGITS}}")
    return {**told, **seen}
