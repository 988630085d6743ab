"""Opens a file as a table, whatever it is: CSV, an Excel workbook, Mailchimp's ZIP.

A row that cannot be taken comes as `Unreadable`, with its number and the reason, so that no good
row is lost for it. Nothing here needs Django: `preparing.py` does it in a process of its own.
"""

from pathlib import Path
from typing import Any

from exchange.importing.archives import MAILCHIMP, kind_of
from exchange.importing.delimited import open_csv
from exchange.importing.errors import CannotRead
from exchange.importing.mailchimp import open_mailchimp
from exchange.importing.prepared import is_prepared, open_prepared
from exchange.importing.spreadsheets import open_workbook
from exchange.importing.tables import Table, Unreadable

__all__ = ["CannotRead", "Table", "Unreadable", "open_table", "open_uploaded"]


def open_table(path: Path, name: str = "", **options: Any) -> Table:
    """The table in a file that the hub keeps, or in one as it came.

    :param name: what the user calls it; what it is, is found by looking
    :param options: those of `open_uploaded`
    :raises CannotRead: if it is none
    """
    with path.open("rb") as file:
        start = file.read(512)
    return open_prepared(path) if is_prepared(start) else open_uploaded(path, **options)


def open_uploaded(
    path: Path, *, sheet: str = "", encoding: str = "", has_headers: bool | None = None
) -> Table:
    """The table in a file as it came.

    :param sheet: the sheet of a workbook; by default the first that has cells
    :param encoding: one of `encodings.CHOICES`; by default found by looking
    :param has_headers: whether the first row names the columns; by default found by looking
    :raises CannotRead: if it is none
    """
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        raise CannotRead("The file is empty. Choose one that has rows.")
    kind = kind_of(path, start)
    if kind == MAILCHIMP:
        return open_mailchimp(path)
    if kind:
        return open_workbook(path, kind, sheet=sheet, has_headers=has_headers)
    return open_csv(path, encoding=encoding, has_headers=has_headers)
