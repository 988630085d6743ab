"""The formats of exports: rows are gathered as lines, of which some formats are made at the end.

Lines can be appended to, so a worker goes on where another one died: CSV is made of lines of CSV,
the others of lines of JSON.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import xlsxwriter
from django.conf import settings
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from adminsite.harmless import harmless
from exchange.exporting.fields import Kind, as_text, compact
from exchange.models import Export

type Columns = Sequence[dict[str, str]]

# What a sheet of Excel holds, with the line of headers, and what a cell does.
MOST_ROWS_OF_EXCEL = 1_048_576 - 1
_MOST_CHARACTERS = 32_767
# Excel takes 1900 for a leap year: days before are other days there.
_FIRST_DAY_OF_EXCEL = date(1900, 3, 1)
# Excel's numbers have fifteen digits.
_MOST_OF_EXCEL = 10**15
_BOM = b"\xef\xbb\xbf"
_MEMORY = "256MB"
_PARQUET_TYPES = {
    Kind.WHOLE: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TIME: "TIMESTAMPTZ",
    Kind.DATE: "DATE",
    Kind.JSON: "JSON",
    Kind.ANY: "JSON",
}

NEEDS_PARQUET = "Parquet needs the extra “parquet”: have the operator install throughline[parquet]."


class Ended(Exception):
    """The file is not wanted any more."""


def can_write_parquet() -> bool:
    """Whether the extra for Parquet is installed."""
    return find_spec("duckdb") is not None


def is_made_of_lines(form: str) -> bool:
    """Whether the file is ready when its rows are gathered."""
    return form in (Export.Format.CSV, Export.Format.NDJSON)


def headers_of(columns: Columns, options: dict[str, Any]) -> list[str]:
    """What the columns of a file are called, each differently."""
    taken: dict[str, int] = {}
    headers = []
    for one in columns:
        header = one["title" if options.get("headers") == "words" else "name"]
        # DuckDB does not tell letter cases apart.
        count = taken[header.lower()] = taken.get(header.lower(), 0) + 1
        headers.append(header if count == 1 else f"{header} ({count})")
    return headers


def start_of(form: str, columns: Columns, options: dict[str, Any]) -> bytes:
    """What comes before the first row."""
    if form != Export.Format.CSV:
        return b""
    # By the mark, Excel knows that it is UTF-8.
    return _BOM + _lines_of_csv([[harmless(one) for one in headers_of(columns, options)]], options)


def lines_of(
    form: str, columns: Columns, options: dict[str, Any], rows: Iterable[Sequence[object]]
) -> Iterator[bytes]:
    """Each of these rows as a line."""
    if form == Export.Format.CSV:
        kinds = [one["kind"] for one in columns]
        for row in rows:
            cells = [_cell(value, kind) for value, kind in zip(row, kinds, strict=True)]
            yield _lines_of_csv([cells], options)
        return
    headers = headers_of(columns, options)
    for row in rows:
        yield compact(dict(zip(headers, row, strict=True))).encode() + b"\n"


def _lines_of_csv(rows: Iterable[Sequence[str]], options: dict[str, Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=options.get("delimiter") or ",").writerows(rows)
    return text.getvalue().encode()


def _cell(value: object, kind: str) -> str:
    if value is None:
        return ""
    if kind == Kind.JSON or isinstance(value, dict | list):
        return harmless(compact(value))
    return harmless(as_text(value))


def write_xlsx(
    lines: BinaryIO,
    columns: Columns,
    options: dict[str, Any],
    target: Path,
    *,
    work: Path,
    ended: Event,
) -> int:
    """Make a workbook of lines of JSON; the number of texts that had to be cut.

    Rows for which a sheet has no room stand on further ones, each with the headers.

    :raises Ended: if `ended` was set meanwhile
    """
    headers = headers_of(columns, options)
    kinds = [one["kind"] for one in columns]
    book = xlsxwriter.Workbook(str(target), {"constant_memory": True, "tmpdir": str(work)})
    book.use_zip64()
    cells = _Cells(book)
    cells.begin_sheet(headers)
    for number, line in enumerate(lines):
        if ended.is_set():
            for sheet in book.worksheets():
                sheet._opt_close()
            raise Ended
        row_of_sheet = number % MOST_ROWS_OF_EXCEL + 1
        if number and row_of_sheet == 1:
            cells.begin_sheet(headers)
        row = json.loads(line)
        for place, (header, kind) in enumerate(zip(headers, kinds, strict=True)):
            cells.write(row_of_sheet, place, row[header], kind)
    try:
        book.close()
    except FileCreateError as error:
        raise error.args[0] from None  # the OSError that it was
    return cells.cut


class _Cells:
    """Writes the cells of sheets: texts as texts, so that nothing is taken for a formula."""

    _sheet: Worksheet

    def __init__(self, book: Any):
        self._book = book
        self._zone = ZoneInfo(settings.TIME_ZONE)
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        # With this mark a text stays one when a user edits the cell.
        self._quoted = book.add_format({"quote_prefix": True})
        self._bold = book.add_format({"bold": True})
        self.cut = 0

    def begin_sheet(self, headers: Sequence[str]) -> None:
        """Have what follows stand on a new sheet, below these headers."""
        sheet = self._sheet = self._book.add_worksheet()
        # It would take a text that begins with <r> for marked-up text of its own making.
        sheet._xml_rich_inline_string = lambda text, attributes: sheet._xml_inline_string(
            text, True, attributes
        )
        for place, header in enumerate(headers):
            sheet.write_string(0, place, header, self._bold)
        sheet.freeze_panes(1, 0)

    def write(self, row: int, place: int, value: object, kind: str) -> None:
        """Write one value."""
        if value is None:
            return
        if isinstance(value, bool):
            self._sheet.write_boolean(row, place, value)
        elif isinstance(value, int | float) and abs(value) < _MOST_OF_EXCEL:
            self._sheet.write_number(row, place, value)
        elif kind == Kind.DATE and (day := date.fromisoformat(str(value))) >= _FIRST_DAY_OF_EXCEL:
            self._sheet.write_datetime(row, place, day, self._day)
        elif kind == Kind.TIME and (at := self._local(str(value))).date() >= _FIRST_DAY_OF_EXCEL:
            self._sheet.write_datetime(row, place, at, self._time)
        else:
            self._write_text(row, place, compact(value) if kind == Kind.JSON else as_text(value))

    def _write_text(self, row: int, place: int, text: str) -> None:
        looks_like_formula = text and harmless(text) != text
        # An import takes an apostrophe away from such a text, whatever file it is in.
        text = harmless(text) if text.startswith("'") else text
        form = self._quoted if looks_like_formula else None
        if self._sheet.write_string(row, place, text, form) == -2:
            self.cut += 1

    def _local(self, text: str) -> datetime:
        # Excel knows no zones.
        return datetime.fromisoformat(text).astimezone(self._zone).replace(tzinfo=None)


def write_parquet(
    lines: Path,
    columns: Columns,
    options: dict[str, Any],
    target: Path,
    *,
    work: Path,
    ready: Callable[[Callable[[], None]], None],
) -> None:
    """Make a file of Parquet of lines of JSON.

    :param ready: gets a function that ends it, which another thread may call
    :raises Ended: if it was ended
    """
    import duckdb  # noqa: PLC0415 -- an extra

    headers = headers_of(columns, options)
    types = dict(zip(headers, (one["kind"] for one in columns), strict=True))
    read = ", ".join(
        f"{_text(header)}: {_text('JSON' if _type(kind) == 'JSON' else 'VARCHAR')}"
        for header, kind in types.items()
    )
    shown = ", ".join(
        f"{_shown(header, kind)} AS {_name(header)}" for header, kind in types.items()
    )
    query = (
        f"COPY (SELECT {shown} FROM read_json({_text(str(lines))}, "  # noqa: S608
        f"format = 'newline_delimited', maximum_object_size = 67108864, columns = {{{read}}})) "
        f"TO {_text(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )
    limits: dict[str, Any] = {"threads": 1, "memory_limit": _MEMORY, "temp_directory": str(work)}
    with duckdb.connect(config=limits) as database:
        ready(database.interrupt)
        try:
            database.execute("SET preserve_insertion_order = true")
            database.execute(query)
        except duckdb.InterruptException:
            raise Ended from None


def _type(kind: str) -> str:
    return _PARQUET_TYPES.get(Kind(kind), "VARCHAR")


def _shown(header: str, kind: str) -> str:
    if kind == Kind.ANY:
        return f"json_extract_string({_name(header)}, '$')"
    of = _type(kind)
    return f"CAST({_name(header)} AS {'VARCHAR' if of == 'JSON' else of})"


def _text(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _name(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
