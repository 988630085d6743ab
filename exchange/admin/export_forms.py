"""The form that asks for an export: its format and its columns."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
)

from adminsite.counting import count_up_to, estimated_rows
from adminsite.looking import find
from adminsite.options import RowsOfList
from adminsite.paginator import COUNTED_ROWS
from adminsite.words import narrowing
from database.bounded import TooLong, bounded
from exchange.exporting.fields import Field
from exchange.exporting.formats import MOST_ROWS_OF_EXCEL, NEEDS_PARQUET, can_write_parquet
from exchange.models import Export

_COUNTING_SECONDS = 2.0
_MOST_COUNTED = 5_000_000
_EXTRA = "property:"
_FORMATS = {
    Export.Format.CSV: "CSV: for spreadsheets, and for most programs",
    Export.Format.XLSX: f"Excel (XLSX): {MOST_ROWS_OF_EXCEL:,} rows a sheet",
    Export.Format.NDJSON: "NDJSON: a line of JSON for each row, for programs",
    Export.Format.PARQUET: "Parquet: columns with types, for data warehouses",
}


class ExportForm(forms.Form):
    """What a file is to be like; `fields_of_list` are the columns that there may be."""

    format = forms.ChoiceField(
        choices=list(_FORMATS.items()),
        initial=Export.Format.CSV,
        widget=UnfoldAdminRadioSelectWidget,
    )
    headers = forms.ChoiceField(
        label="Names of the columns",
        choices=[("words", "In words, such as “First name”"), ("names", "As fields: first_name")],
        initial="words",
        widget=UnfoldAdminRadioSelectWidget,
        help_text="Files with either come in again without a mapping of yours.",
    )
    delimiter = forms.ChoiceField(
        label="Between the cells of CSV",
        choices=[(",", "Comma"), (";", "Semicolon"), ("\t", "Tab")],
        initial=",",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="A spreadsheet whose decimals have a comma opens files with semicolons best.",
    )
    columns = forms.MultipleChoiceField(
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": "Choose one column at least."},
    )
    properties = forms.MultipleChoiceField(
        label="Properties with a column of their own",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="The column “Properties” has all of them in any case, as JSON.",
    )

    def __init__(self, *args: Any, fields_of_list: Sequence[Field], **kwargs: Any):
        super().__init__(*args, **kwargs)
        extra = [one for one in fields_of_list if one.name.startswith(_EXTRA)]
        usual = [one for one in fields_of_list if one not in extra]
        columns, properties = self.fields["columns"], self.fields["properties"]
        columns.choices = [(one.name, one.label or one.title) for one in usual]  # type: ignore[attr-defined]
        columns.initial = [one.name for one in usual if one.is_proposed]
        properties.choices = [  # type: ignore[attr-defined]
            (one.name, one.name.removeprefix(_EXTRA)) for one in extra
        ]
        if not extra:
            del self.fields["properties"]

    def clean_format(self) -> str:
        chosen = self.cleaned_data["format"]
        if chosen == Export.Format.PARQUET and not can_write_parquet():
            raise forms.ValidationError(NEEDS_PARQUET)
        return chosen

    @property
    def chosen(self) -> list[str]:
        """The names of the columns that were chosen."""
        return [*self.cleaned_data["columns"], *self.cleaned_data.get("properties", ())]

    @property
    def options(self) -> dict[str, Any]:
        """What an export keeps besides."""
        options = {"headers": self.cleaned_data["headers"]}
        if self.cleaned_data["format"] == Export.Format.CSV:
            options["delimiter"] = self.cleaned_data["delimiter"] or ","
        return options


def say_number(listed: RowsOfList, request: HttpRequest) -> str:
    """How many rows a file will have, as well as that can be known in two seconds."""
    names = listed.opts.verbose_name_plural
    try:
        if listed.look is not None:
            found = find(listed.queryset, listed.look, enough=COUNTED_ROWS)
            count = len(found.ids)
            return f"{count:,} {names}" if found.is_all else f"more than {count:,} {names}"
        with bounded(_COUNTING_SECONDS):
            count = count_up_to(listed.queryset, _MOST_COUNTED)
    except TooLong:
        if narrowing(request.GET):
            return f"so many {names} that to count them takes longer than a page may"
        return f"about {estimated_rows(listed.opts.db_table):,} {names}"
    return f"{count:,} {listed.opts.verbose_name if count == 1 else names}"
