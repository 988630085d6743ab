"""Mailchimp's export of an audience: a ZIP of three CSVs, read as one table.

Who has unsubscribed, and whose address does not exist, comes first: the import knows it before it
adds anybody who is subscribed. Which file a row is from stands in a column of its own.
"""

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exchange.importing.archives import DAMAGED, MAILCHIMP
from exchange.importing.delimited import open_csv
from exchange.importing.errors import CannotRead
from exchange.importing.scratch import Scratch
from exchange.importing.tables import Row, Source, Table, Unreadable, check_width

STATUS = "Mailchimp status"
# In the order in which they are read. “unsubscribed” has “subscribed” in it.
_STATUSES = ("unsubscribed", "cleaned", "nonsubscribed", "subscribed")
_NOT_TAKEN = {
    "nonsubscribed": "This contact has not subscribed to anything in Mailchimp. To import it all "
    "the same, upload its file by itself."
}


@dataclass(frozen=True)
class MailchimpSource(Source):
    """The CSVs, unpacked into a folder that is deleted with this."""

    folder: Scratch
    tables: list[tuple[str, Table]]
    headers: list[str]

    def rows(self, width: int) -> Iterator[Row]:
        """The rows of one file after the other, numbered as if they were one."""
        places = {name: at for at, name in enumerate(self.headers)}
        before = 0
        for status, table in self.tables:
            number, to = 0, [places[name] for name in table.headers]
            for number, cells in table.rows():
                row = [""] * width
                row[0] = status
                for place, cell in zip(to, cells, strict=False):
                    row[place] = cell
                reason = cells.reason if isinstance(cells, Unreadable) else _NOT_TAKEN.get(status)
                yield before + number, Unreadable(reason, row) if reason else row
            before += max(number, 1)


def open_mailchimp(path: Path) -> Table:
    """The export at `path` as one table.

    :raises CannotRead: if it is none, or one of its files cannot be read
    """
    folder = Scratch(path)
    tables = [(status, open_csv(file)) for status, file in _unpacked(path, folder.path) if status]
    headers = list(dict.fromkeys([STATUS, *(one for _, table in tables for one in table.headers)]))
    check_width(len(headers))
    said = ", ".join(f"{status} contacts" for status, _ in tables)
    return Table(
        headers=headers,
        path=path,
        kind=MAILCHIMP,
        said=f"Mailchimp's export: {said}",
        source=MailchimpSource(folder, tables, headers),
    )


def _unpacked(path: Path, folder: Path) -> list[tuple[str, Path]]:
    """The CSVs in the order in which they are read, each with the status of its contacts."""
    found = []
    with zipfile.ZipFile(path) as archive:
        for position, member in enumerate(archive.infolist()):
            name = member.filename.rpartition("/")[2].lower()
            is_hidden = name.startswith(".") or member.filename.startswith("__MACOSX")
            if not name.endswith(".csv") or is_hidden or not member.file_size:
                continue
            status = next((one for one in _STATUSES if one in name), "")
            if not status:
                raise CannotRead(
                    f"The ZIP archive has “{member.filename[-80:]}”, and is not Mailchimp's: its "
                    "files are called subscribed, unsubscribed and cleaned. Unpack it, and upload "
                    "the table."
                )
            target = folder / f"{position}.csv"
            try:
                with archive.open(member) as packed, target.open("wb") as file:
                    shutil.copyfileobj(packed, file)
            except (zipfile.BadZipFile, zlib.error, EOFError):
                raise CannotRead(DAMAGED) from None
            found.append((status, target))
    if not found:
        raise CannotRead("The ZIP archive has no CSV with rows. Export the audience again.")
    return sorted(found, key=lambda one: _STATUSES.index(one[0]))
