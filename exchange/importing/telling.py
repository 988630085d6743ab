"""What imports tell users: files of what was refused and what was kept, and examples."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from adminsite.harmless import harmless
from exchange.importing import staging
from exchange.importing.checking import numbered, open_file, staged_of
from exchange.importing.mapping import InvalidMapping
from exchange.importing.opening import CannotRead
from exchange.importing.planning import values
from exchange.importing.problems import Problem
from exchange.importing.tags import LACKING
from exchange.models import Import, KeptByUndo

_PIECE = 64 * 1024
_EXAMPLES = {
    "create": "line.outcome = 'create' AND NOT line.is_contradiction",
    "update": "line.outcome = 'update' AND NOT line.is_contradiction",
    "unchanged": "line.outcome = 'unchanged' AND NOT line.is_contradiction",
    "merge": "line.rows > 1 OR line.is_contradiction",
}


@dataclass(frozen=True)
class Example:
    """A row of a file, and what would become of it: the fields before and after."""

    row: int
    label: str
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    contact_id: int | None = None
    note: str = ""


def rejects_of(import_: Import) -> Iterator[str]:
    """A CSV of the rows that were refused, in pieces: as they came, with the reason at the end.

    Cells that a spreadsheet would take for formulas are made harmless. Once the file of the import
    is deleted, there are the numbers of the rows and the reasons.
    """
    try:
        table = open_file(import_)
    except CannotRead:
        yield from _written(("row", "reason"), _reasons(import_))
        return
    yield from _written((*table.headers, "reason"), _rejects(import_, table))


def kept_of(import_: Import) -> Iterator[str]:
    """A CSV of the contacts that the undo of an import has left alone, and why, in pieces."""
    kept = KeptByUndo.objects.filter(source=import_).order_by("pk").select_related("contact")
    rows = (
        (str(one.contact.guid), one.contact.email, one.get_reason_display())
        for one in kept.iterator(chunk_size=2_000)
    )
    yield from _written(("guid", "email", "reason"), rows)


def examples_of(import_: Import, outcome: str, most: int = 5) -> list[Example]:
    """Some rows of which this becomes, as of now.

    None once the rows that were read are gone, or if the mapping names what was deleted since.
    """
    if outcome == "reject":
        return _rejected(import_, most)
    if import_.kind != Import.Kind.CONTACTS or not staging.has("plan", import_.staged_as):
        return []
    try:
        staged = staged_of(import_, import_.headers)
    except InvalidMapping:
        return []
    became = values(staged)
    given = {"email": "line.email", **{name: f"line.field_{name}" for name in staged.fields}}
    columns = [
        f"{sql}::text"
        for name in given
        for sql in (
            f"contact.{name}",
            f"CASE WHEN contact.id IS NULL THEN {given[name]} ELSE ({became[name]})::text END",
        )
    ]
    if "tags" in staged.names:
        columns += ["''", LACKING]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT line.row, line.email, line.contact_id, line.rows, line.is_contradiction,"  # noqa: S608
            f" {', '.join(columns)} FROM {staged.table('plan')} AS line"
            " LEFT JOIN contacts_contact AS contact ON contact.id = line.contact_id"
            f" WHERE {_EXAMPLES[outcome]} ORDER BY line.row LIMIT %s",
            [most],
        )
        names = [*given, "tags"] if "tags" in staged.names else list(given)
        return [_example(names, row) for row in cursor.fetchall()]


def _example(names: Sequence[str], row: Sequence[Any]) -> Example:
    number, email, contact_id, rows, is_contradiction, *texts = row
    pairs = dict(zip(names, zip(texts[::2], texts[1::2], strict=True), strict=True))
    differing = {
        name: (before or "", after or "")
        for name, (before, after) in pairs.items()
        if (before or "") != (after or "")
    }
    note = f"{rows:,} rows are of this contact." if rows > 1 else ""
    if is_contradiction:
        note = "The row names another contact, too: the two are suggested to be merged."
    return Example(
        row=number,
        label=email,
        before={name: before for name, (before, _) in differing.items()},
        after={name: after for name, (_, after) in differing.items()},
        contact_id=contact_id,
        note=note,
    )


def _rejected(import_: Import, most: int) -> list[Example]:
    found: list[Example] = []
    if staging.has("rows", import_.staged_as):
        for number, problems in staging.rejected(import_.staged_as, at_once=most):
            found.append(Example(row=number, label=f"Row {number:,}", note=_reason(problems)))
            if len(found) == most:
                break
    return found


def _rejects(import_: Import, table: Any) -> Iterator[list[str]]:
    """The rows of the file that were refused, read together with why they were."""
    refused = _refused(import_)
    wanted = next(refused, None)
    width = len(table.headers)
    for number, cells in numbered(table.rows()):
        if wanted is None:
            return
        if number == wanted[0]:
            yield [*[*cells, *[""] * width][:width], _reason(wanted[1])]
            wanted = next(refused, None)


def _reasons(import_: Import) -> Iterator[list[str]]:
    for number, problems in _refused(import_):
        yield [str(number), _reason(problems)]


def _refused(import_: Import) -> Iterator[tuple[int, list[Problem]]]:
    if staging.has("rows", import_.staged_as):
        yield from staging.rejected(import_.staged_as)


def _reason(problems: Sequence[Problem]) -> str:
    return " ".join(problem.sentence for problem in problems)


def _written(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(harmless, headers))
    for row in rows:
        writer.writerow([harmless(cell.replace("\0", "␀")) for cell in row])
        if text.tell() > _PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
