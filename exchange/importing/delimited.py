"""Tables in text files: CSV of any delimiter and encoding, with quotation marks as Excel has them.

What no two programs write alike is found by looking: the encoding, the delimiter, where the names
of the columns stand. Nothing of a file is held in memory but the row that is read.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from exchange.importing.encodings import Encoding, find_encoding
from exchange.importing.errors import CannotRead
from exchange.importing.heads import Head, find_head
from exchange.importing.tables import Row, Source, Table, check_width, fitted

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# A line, in characters: a thousand columns with a thousand characters each.
_LONGEST_LINE = 1 << 20
_LOOKED_AT_ROWS, _LOOKED_AT_CHARACTERS = 100, 1 << 16
_EXCELS_OWN = re.compile(r"sep=(.)\r?\n?")
_END = "\0end of the file\0"


@dataclass(frozen=True)
class CsvSource(Source):
    """A CSV file, and how it is read."""

    path: Path
    encoding: Encoding
    delimiter: str
    head: Head

    def rows(self, width: int) -> Iterator[Row]:
        """The rows below the head, made `width` cells wide."""
        is_clean = not self.encoding.is_mixed and self.encoding.codec.startswith("utf-8")
        with _open(self.path, self.encoding) as file:
            for number, cells in numbered(file, self.delimiter):
                if number < self.head.first_row or not any(cells):
                    continue
                reason = "" if is_clean else self.encoding.why_not("".join(cells))
                yield number, fitted(cells, width, reason)


def open_csv(path: Path, *, encoding: str = "", has_headers: bool | None = None) -> Table:
    """The table in a text file.

    :raises CannotRead: if it is no text, or has too many columns
    """
    found = find_encoding(path, encoding)
    delimiter = _find_delimiter(path, found)
    with _open(path, found) as file:
        first = list(_some(numbered(file, delimiter), _LOOKED_AT_ROWS))
    head = find_head(first, has_headers)
    check_width(len(head.names))
    return Table(
        headers=head.names,
        path=path,
        has_headers=head.is_named,
        said=f"{found.said}, {DELIMITERS[delimiter]}",
        source=CsvSource(path, found, delimiter, head),
    )


def numbered(file: IO[str], delimiter: str) -> Iterator[Row]:
    """Each row of a CSV with its number, which counts blank ones.

    :raises CannotRead: at a cell or line without end
    """
    reader = csv.reader(_lines(file), delimiter=delimiter)
    number = 0
    try:
        for cells in reader:
            number += 1
            if cells and cells[-1].endswith(_END):
                if len(cells) > 1 or cells[0] != _END:
                    raise CannotRead(_without_end(number))
                return
            yield number, cells
    except csv.Error:
        raise CannotRead(_without_end(number + 1)) from None


def _without_end(number: int) -> str:
    return (
        f"Row {number:,} opens a quotation mark that is never closed, or has a cell without end. "
        "Close it, or save the table anew from the program that it is from."
    )


def _lines(file: IO[str]) -> Iterator[str]:
    number, is_first = 0, True
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise CannotRead(
                f"Line {number:,} has more than {_LONGEST_LINE:,} characters: this is no table. "
                "Save it as CSV with one row on each line."
            )
        if is_first and _EXCELS_OWN.fullmatch(line):
            is_first = False
            continue
        is_first = False
        yield line if line[-1] in "\r\n" else f"{line}\n"
    # Behind a quotation mark that is still open, this is not a row of its own.
    yield _END


def _find_delimiter(path: Path, encoding: Encoding) -> str:
    """The delimiter that cuts the first rows into the same number of cells, and into most."""
    with _open(path, encoding) as file:
        start = file.read(_LOOKED_AT_CHARACTERS)
        is_whole = not file.read(1)
    if own := _EXCELS_OWN.match(start):
        if own[1] in DELIMITERS:
            return own[1]
        start = start[own.end() :]
    if not is_whole:
        start = start[: max(start.rfind("\n"), start.rfind("\r")) + 1] or start
    best, delimiter = (0.0, 0), ","
    for one in DELIMITERS:
        if (score := _score(start, one)) > best:
            best, delimiter = score, one
    return delimiter


def _score(start: str, delimiter: str) -> tuple[float, int]:
    counts: list[int] = []
    try:
        for cells in csv.reader(io.StringIO(start, newline=""), delimiter=delimiter):
            if any(cells):
                counts.append(len(cells))
            if len(counts) >= _LOOKED_AT_ROWS:
                break
    except csv.Error:
        pass
    if not counts:
        return 0.0, 0
    usual = max(set(counts), key=lambda count: (counts.count(count), count))
    if usual < 2:
        # Names of columns alone, above rows that are broken, still tell the delimiter.
        return (0.01, counts[0]) if counts[0] > 1 else (0.0, 0)
    return counts.count(usual) / len(counts), usual


def _open(path: Path, encoding: Encoding) -> IO[str]:
    return path.open(encoding=encoding.codec, errors=encoding.errors, newline="")


def _some(rows: Iterator[Row], most: int) -> Iterator[Row]:
    for _, row in zip(range(most), rows, strict=False):
        yield row
