"""Asks for exports, does what workers do for them, and reads their files."""

import csv
import json

import duckdb
from django.db.models.functions import Now
from python_calamine import CalamineWorkbook

from contacts.models import Contact
from exchange.exporting.files import file_of
from exchange.exporting.making import ask_for_export, go_on
from exchange.exporting.sources import fields_for
from exchange.jobs import EXPORTS
from exchange.models import Export
from jobs.working import work_off


def ask(by, *columns, model=Contact, query="", form="csv", **options):
    """An export that waits; of all columns, if none are named."""
    names = columns or [one.name for one in fields_for(model, by, query)]
    options = {"headers": "names", "delimiter": ",", **options}
    return ask_for_export(
        model, query=query, form=form, columns=names, options=options, by=by, filters="a filter"
    )


def turn(export):
    """What a worker does in one turn: a portion, or the file."""
    go_on([export.pk])
    export.refresh_from_db()


def finish(export):
    """Have workers make it until it is over, or waits for its next attempt."""
    Export.objects.filter(pk=export.pk).update(due_at=Now())
    work_off(EXPORTS)
    export.refresh_from_db()
    return export


def made(by, *columns, **asked):
    """An export that is ready."""
    export = finish(ask(by, *columns, **asked))
    assert export.status == "done", export.reason
    return export


def rows_of(export):
    """The rows of its file, the headers first for formats that have a line of them."""
    file = file_of(export)
    if export.format == "csv":
        text = file.read_bytes().decode("utf-8-sig")
        return list(
            csv.reader(text.splitlines(keepends=True), delimiter=export.options["delimiter"])
        )
    if export.format == "ndjson":
        return [json.loads(line) for line in file.read_bytes().splitlines()]
    if export.format == "xlsx":
        return CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    with duckdb.connect() as database:
        found = database.execute(f"SELECT * FROM read_parquet('{file}')")
        return [[one[0] for one in found.description], *map(list, found.fetchall())]
