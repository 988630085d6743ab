"""Writes the file: a ZIP with JSON, a CSV for each table, and a page for people.

Each table is read once, in portions. Its CSV goes into the ZIP as it is read; JSON and page go to
files beside it, since a ZIP takes one member after the other. So memory does not grow with what is
known of a person.
"""

import csv
import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

import msgspec
from django.template.defaultfilters import date as format_date
from django.utils import timezone

from contacts.names_in_texts import Others
from contacts.telling import Person, Telling
from privacy.access import page
from privacy.access.rows import Roles, Row, Table, as_cell
from privacy.access.tables import all_tellings, portable
from privacy.models.disclosures import AccessFile

FORMAT = "throughline/personal-data"
VERSION = 1
# More than what takes the time: a tenth more room, and half the time.
_LEVEL = 4

type Progress = Callable[[str, int], object]


def write_file(
    person: Person,
    kind: AccessFile.Kind,
    file: BinaryIO,
    *,
    tellings: Sequence[Telling] | None = None,
    progress: Progress = lambda title, rows: None,
) -> dict[str, int]:
    """Write all that is known of `person` into `file`; return the number of rows by table.

    `progress` is called with the table that is being told and the rows so far, for each portion; it
    raises to stop.

    :raises OSError: if there is no room for it
    """
    given = all_tellings() if tellings is None else list(tellings)
    is_provided = kind == AccessFile.Kind.PORTABILITY
    tables = [
        Table(one, person, is_provided=is_provided)
        for one in (portable(given) if is_provided else given)
    ]
    with ExitStack() as stack:
        # Beside the file: there is as little room in the folder for temporary files as there is.
        beside = Path(file.name).parent
        json, sections = (
            stack.enter_context(tempfile.TemporaryFile(dir=beside)) for _ in ("JSON", "the page")
        )
        archive = stack.enter_context(
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        )
        writer = _Writer(archive, json, sections, person, kind, progress)
        for table in tables:
            writer.write(table)
        writer.finish()
    file.flush()
    return writer.counts


class _Writer:
    def __init__(
        self,
        archive: zipfile.ZipFile,
        json: IO[bytes],
        sections: IO[bytes],
        person: Person,
        kind: AccessFile.Kind,
        progress: Progress,
    ):
        self._archive, self._json, self._sections = archive, json, sections
        self._person, self._kind, self._progress = person, kind, progress
        self._at = timezone.now()
        self._others, self._roles = Others(person), Roles()
        self._rows = 0
        self._titles: list[page.Section] = []
        self.counts: dict[str, int] = {}
        self._json.write(self._head())

    def write(self, table: Table) -> None:
        """Write one table to all three."""
        telling = table.telling
        section = page.Section(table.name, telling.title, telling.sentence, telling.origin.words)
        self._json.write(b",\n" if self.counts else b"\n")
        self._json.write(_encoded(table.name) + b": " + _about(table) + b'"rows": [')
        self._sections.write(page.begin_section(section))
        with self._member(f"{table.name}.csv") as member:
            member.write(b"\xef\xbb\xbf" + _lines([[one.name for one in table.columns]]))
            for portion in table.portions(self._others, self._roles):
                self._write_portion(table, section, portion, member)
                self._progress(telling.title, self._rows)
        self._json.write(b"]}")
        self._sections.write(page.end_section(section))
        self._titles.append(section)
        self.counts[table.name] = section.rows

    def finish(self) -> None:
        """Add JSON and page to the archive."""
        self._json.write(b"\n}}\n")
        self._add("data.json", self._json)
        if self._kind == AccessFile.Kind.PORTABILITY:
            self._archive.writestr("README.txt", page.readme(self._at, self._titles))
            return
        head = page.head(self._person, self._at, self._titles)
        self._add("index.html", self._sections, before=head, after=page.FOOT)

    def _write_portion(
        self,
        table: Table,
        section: page.Section,
        portion: list[tuple[Row, bytes]],
        member: IO[bytes],
    ) -> None:
        begins = b"\n" if section.rows == 0 else b",\n"
        self._json.write(begins + b",\n".join(encoded for _, encoded in portion))
        # Columns are in the order of the table.
        member.write(_lines([*map(as_cell, row.values())] for row, _ in portion))
        for row, _ in portion[: max(page.MOST_ROWS - section.rows, 0)]:
            self._sections.write(page.row(table.columns, row))
        section.rows += len(portion)
        self._rows += len(portion)

    def _member(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(name, timezone.localtime(self._at).timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return self._archive.open(info, "w", force_zip64=True)

    def _add(self, name: str, part: IO[bytes], *, before: bytes = b"", after: bytes = b"") -> None:
        part.seek(0)
        with self._member(name) as member:
            member.write(before)
            shutil.copyfileobj(part, member, 1 << 20)
            member.write(after)

    def _head(self) -> bytes:
        about = {
            "format": FORMAT,
            "version": VERSION,
            "kind": self._kind,
            "made_at": self._at,
            "contact": {
                "guid": self._person.live.guid,
                "guids": sorted(self._person.guids),
            },
        }
        return _encoded(about)[:-1] + b',\n"tables": {'


def _about(table: Table) -> bytes:
    """What JSON says of a table before its rows: without the bracket that ends it."""
    telling = table.telling
    about = {
        "title": telling.title,
        "about": telling.sentence,
        "origin": telling.origin,
        "columns": {one.name: one.title for one in table.columns},
    }
    return _encoded(about)[:-1] + b", "


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


def _lines(rows) -> bytes:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue().encode(errors="backslashreplace")


def file_name(person: Person, kind: AccessFile.Kind, at: datetime) -> str:
    """What a file is called where it is downloaded: without a word of who it is about."""
    day = format_date(timezone.localtime(at), "Y-m-d")
    return f"{kind}-{person.live.short_code}-{day}.zip"
