"""Checks a file: reads it into tables of its own, and finds out what would become of its rows."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from consents.models import Consent
from exchange.importing import lists, staging, tags
from exchange.importing.activity_cells import ActivityRows
from exchange.importing.cells import ContactRows
from exchange.importing.dates import DateFormat, ReadsTwoWays
from exchange.importing.mapping import InvalidMapping, Mapping
from exchange.importing.opening import CannotRead, Unreadable, open_table
from exchange.importing.planning import Staged, answers_told, plan
from exchange.importing.planning_activities import plan_activities
from exchange.importing.problems import (
    ERASED,
    LATER,
    NO_EMAIL,
    RECORDED,
    SHARED,
    Grouped,
    Problem,
)
from exchange.importing.suppressed import suppressed_by
from exchange.importing.tags import TooManyTags
from exchange.models import Import
from jobs.working import stopping

# So many rows are read at a time; then the check says how far it is, and looks whether it goes on.
_ROWS = 20_000
_LEASE = timedelta(seconds=60)
_GONE = (
    "The file was deleted: files of imports are kept for a while only, and not those with somebody "
    "who was erased since. Upload it again."
)


class Cancelled(Exception):
    """A user cancelled it, or another worker has taken it over."""


@dataclass
class _Seen:
    """What was read so far."""

    rows: int = 0
    rejected: int = 0
    errors: Grouped = field(default_factory=Grouped)
    warnings: Grouped = field(default_factory=Grouped)


def check(import_: Import) -> None:
    """Check the file of an import that is being checked; afterwards it is checked, or has failed.

    Another worker that has taken it over, or a user who cancels it, ends it.
    """
    staged_as = f"{import_.pk}_{uuid4().hex[:8]}"
    going_on = Import.objects.filter(pk=import_.pk, status=Import.Status.CHECKING)
    old = import_.staged_as
    if not going_on.filter(staged_as=old).update(staged_as=staged_as, due_at=Now() + _LEASE):
        return
    staging.drop(old)
    import_.staged_as = staged_as
    try:
        read = stage(import_)
        headers = open_file(import_).headers
        counts, errors, warnings = _plan(import_, headers, read)
        told = told_of(import_, headers)
    except (CannotRead, InvalidMapping, TooManyTags) as error:
        staging.drop(staged_as)
        _end(import_, status=Import.Status.FAILED, reason=str(error), staged_as="")
    except Cancelled:
        staging.drop(staged_as)
    else:
        _end(
            import_,
            status=Import.Status.CHECKED,
            reason="",
            counts=counts,
            errors=errors,
            warnings=warnings,
            told=told,
            headers=headers,
            checked_at=timezone.now(),
        )


def stage(import_: Import) -> "_Seen":
    """Read the file of an import into the table of its rows, as its mapping says.

    :raises CannotRead: if it cannot be read
    :raises InvalidMapping: if its mapping cannot be used
    :raises Cancelled: if somebody cancels it meanwhile
    """
    table = open_file(import_)
    mapping = Mapping.of(import_.mapping, table.headers, kind=import_.kind)
    mapping = _with_formats(mapping, table)
    reader = reader_of(mapping)
    staging.drop(import_.staged_as)
    staging.make_rows(import_.staged_as, reader.names)
    seen = _Seen()
    rows = numbered(table.rows())
    while True:
        with transaction.atomic():
            before = seen.rows
            staging.copy_rows(
                import_.staged_as, reader.names, _read(islice(rows, _ROWS), reader, seen)
            )
            _note_progress(import_, seen.rows)
        if seen.rows - before < _ROWS:
            return seen
        if stopping.is_set():
            raise Cancelled


def stage_again(import_: Import) -> None:
    """Read the file of an import that is being brought in anew; its rows are not there any more.

    :raises CannotRead: if the file is not, either
    :raises InvalidMapping: if its mapping cannot be used any more
    :raises Cancelled: if somebody cancels it, or another worker does the same
    """
    staged_as = f"{import_.pk}_{uuid4().hex[:8]}"
    going_on = Import.objects.filter(pk=import_.pk, status=Import.Status.IMPORTING)
    mine = going_on.filter(staged_as=import_.staged_as)
    if not mine.update(staged_as=staged_as, due_at=Now() + _LEASE):
        raise Cancelled
    staging.drop(import_.staged_as)
    import_.staged_as = staged_as
    _plan(import_, import_.headers, stage(import_))


def numbered(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table by numbers that grow; of a file in several parts, they begin anew."""
    last = 0
    for number, cells in rows:
        last = max(number, last + 1)
        yield last, cells


def open_file(import_: Import) -> Any:
    """The table in the file of an import.

    :raises CannotRead: if there is none, or no file any more
    """
    if import_.file is None or not import_.file.exists():
        raise CannotRead(_GONE)
    return open_table(import_.file, import_.name, sheet=import_.sheet)


def reader_of(mapping: Mapping) -> ContactRows | ActivityRows:
    """What reads the rows of a file, as a mapping says."""
    is_of_contacts = mapping.kind == Import.Kind.CONTACTS
    return ContactRows(mapping) if is_of_contacts else ActivityRows(mapping)


def staged_of(import_: Import, headers: list[str]) -> Staged:
    """The tables of the check of an import of contacts.

    :raises InvalidMapping: if its mapping cannot be used any more
    """
    mapping = Mapping.of(import_.mapping, headers, kind=import_.kind)
    names = reader_of(mapping).names
    return Staged(import_.staged_as, names, _identifiers(mapping), suppressed_by(import_.pk))


def _identifiers(mapping: Mapping) -> dict[str, tuple[str, str]]:
    return {
        f"identifier_{one.position}": (site, kind)
        for one in mapping.columns_of("identifier")
        for site, _, kind in [one.target.name.rpartition(":")]
    }


def _with_formats(mapping: Mapping, table: Any) -> Mapping:
    """Find out how the dates are written of which the mapping does not say it."""
    formats = {}
    for column in mapping.undecided():
        values = (
            cells[column.position] for _, cells in table.rows() if not isinstance(cells, Unreadable)
        )
        try:
            formats[column.position] = DateFormat.detect(values, column.header)
        except ReadsTwoWays as error:
            raise InvalidMapping(str(error)) from None
    return mapping.with_formats(formats)


def _read(
    rows: Iterator[tuple[int, list[str]]], reader: ContactRows | ActivityRows, seen: _Seen
) -> Iterator[tuple[int, str, list[str]]]:
    """The rows as the table keeps them; what is wrong with them is counted."""
    nothing = [""] * len(reader.names)
    problems: list[Problem]
    left_out: list[Problem]
    for number, cells in rows:
        seen.rows += 1
        left_out = []
        if isinstance(cells, Unreadable):
            problems = [Problem("bad_row", "", cells.reason)]
            values = nothing
        else:
            values, problems, left_out = reader.read(cells)
        if problems:
            seen.rejected += 1
            for problem in problems:
                seen.errors.add(problem, number)
            yield number, staging.problems_as_text(problems), values
            continue
        for problem in left_out:
            seen.warnings.add(problem, number)
        yield number, "", values


def _plan(import_: Import, headers: list[str], seen: _Seen) -> tuple[dict[str, int], list, list]:
    if import_.kind == Import.Kind.CONTACTS:
        staged = staged_of(import_, headers)
        texts = {
            "no_email": staging.problems_as_text([NO_EMAIL]),
            "erased": staging.problems_as_text([ERASED]),
            "shared": staging.problems_as_text([SHARED]),
        }
        counts = plan(staged, **texts)
    else:
        counts, first = plan_activities(import_)
        if first is not None:
            seen.warnings.add(RECORDED, first, count=counts["unchanged"])
    rejects = seen.rows - sum(counts.values())
    if rejects > seen.rejected:
        for problem, row, count in staging.refused_later(import_.staged_as, LATER):
            seen.errors.add(problem, row, count=count)
    told = {"rows": seen.rows, **counts, "reject": rejects}
    return told, seen.errors.as_json(), seen.warnings.as_json()


def told_of(import_: Import, headers: list[str]) -> dict[str, Any]:
    """What a check tells beside the counts: `consents`, `tags` and `groups` of its rows, if any.

    :raises TooManyTags: if an import would make too many
    """
    if import_.kind != Import.Kind.CONTACTS:
        return {}
    staged = staged_of(import_, headers)
    plan_of_it = staged.table("plan")
    consents = Consent.objects.in_bulk(staged.consents)
    found: dict[str, Any] = {
        "consents": [
            [consents[consent].name, *counts]
            for consent, *counts in answers_told(staged)
            if consent in consents
        ]
    }
    if "tags" in staged.names:
        found["tags"] = tags.told_of(plan_of_it)
    if "lists" in staged.names:
        found["groups"] = lists.told_of(plan_of_it)
    return {name: said for name, said in found.items() if said}


def _note_progress(import_: Import, rows: int) -> None:
    going_on = Import.objects.filter(
        pk=import_.pk,
        status__in=[Import.Status.CHECKING, Import.Status.IMPORTING],
        staged_as=import_.staged_as,
    )
    changed: dict[str, Any] = {"due_at": Now() + _LEASE}
    if import_.status == Import.Status.CHECKING:
        changed["position"] = rows
    if not going_on.update(**changed):
        raise Cancelled


def _end(import_: Import, **became: Any) -> None:
    going_on = Import.objects.filter(pk=import_.pk, status=Import.Status.CHECKING)
    mine = going_on.filter(staged_as=import_.staged_as)
    if not mine.update(position=0, total=0, attempts=0, last_error="", **became):
        with suppress(Exception):
            staging.drop(import_.staged_as)
