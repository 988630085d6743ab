"""What the mapping page shows: each column with examples, and what it can be for."""

from collections.abc import Mapping
from typing import Any

from activities.models import ActivityType
from adminsite.formatting import change_url
from exchange.admin.showing import urls_of
from exchange.admin.targets import (
    SEPARATORS,
    chosen_format,
    chosen_separator,
    consent_names,
    for_all_rows,
    site_names,
    targets_for,
)
from exchange.admin.uploading import is_waiting
from exchange.importing.encodings import CHOICES
from exchange.importing.prepared import open_prepared
from exchange.importing.proposing import DATE_FIELDS, field_of, system_of
from exchange.importing.ready import Target
from exchange.models import Import, RememberedMapping

_WORKBOOKS = ("xlsx", "xlsb", "xls", "ods")


def mapping_context(
    import_: Import, seen: dict[str, Any], mapping: Mapping[str, Target], problems: dict[int, str]
) -> dict[str, Any]:
    """What the mapping page shows of the columns that were `seen`."""
    consents, sites = consent_names(), site_names()
    system = system_of(import_.headers, import_.kind)
    agrees_to, type_of_all = for_all_rows(mapping)
    columns = [
        _column(at, column, import_.kind, mapping, problems, consents, sites)
        for at, column in enumerate(seen["columns"])
    ]
    return {
        "import": import_,
        "columns": columns,
        "empty_columns": sum(column["is_empty"] for column in columns),
        "rows": seen["rows"],
        "bad": seen["bad"],
        "system": system,
        "is_remembered": RememberedMapping.find(import_.kind, import_.headers) is not None,
        "problem": problems.get(-1, ""),
        "has_problems": bool(problems),
        "consents": [(code, name, code in agrees_to) for code, name in consents.items()],
        "is_of_activities": import_.kind == Import.Kind.ACTIVITIES,
        "types": _types() if import_.kind == Import.Kind.ACTIVITIES else [],
        "type_of_all": type_of_all,
        "date_fields": sorted(DATE_FIELDS),
        "reading": _reading(import_),
        "urls": urls_of(import_),
        "back_url": change_url(import_),
    }


def _column(
    at: int,
    column: dict[str, Any],
    kind: str,
    mapping: Mapping[str, Target],
    problems: dict[int, str],
    consents: Mapping[str, str],
    sites: Mapping[str, str],
) -> dict[str, Any]:
    target = mapping.get(column["name"])
    chosen = field_of(target)
    groups = targets_for(kind, consents, sites, column["name"])
    if chosen and chosen not in {value for _, group in groups for value, _ in group}:
        groups = [*groups, ("As it was", [(chosen, chosen)])]
    dates = column["dates"]
    return {
        **column,
        "at": at,
        "chosen": chosen,
        "groups": groups,
        "problem": problems.get(at, ""),
        "formats": dates["formats"] if dates else [],
        "format": chosen_format(target),
        "asks": bool(dates and dates["asks"]),
        "dates_said": _say_dates(dates) if dates else [],
        "separators": SEPARATORS,
        "separator": chosen_separator(target),
    }


def _say_dates(dates: dict[str, Any]) -> list[str]:
    """What was seen in a column of dates, where it is not as it should be."""
    counts, examples = dates["counts"], dates["examples"]

    def such_as(kind: str) -> str:
        return ", such as " + ", ".join(f"“{one}”" for one in examples[kind][:2])

    def are(count: int) -> str:
        return "is" if count == 1 else "are"

    said = []
    if dates["asks"] and counts.get("either"):
        said.append(
            f"{counts['either']:,} dates can be read in two orders{such_as('either')}. Say once "
            "for the column which it is."
        )
    if counts.get("day first") and counts.get("month first"):
        said.append(
            f"{counts['day first']:,} can only have the day first{such_as('day first')}, and "
            f"{counts['month first']:,} only the month first{such_as('month first')}: those that "
            "do not fit are rejected."
        )
    if counts.get("of 1899"):
        said.append(
            f"{counts['of 1899']:,} {are(counts['of 1899'])} of 1899 or before"
            f"{such_as('of 1899')}: Excel writes that for an empty date. Such rows are rejected."
        )
    if counts.get("impossible"):
        count = counts["impossible"]
        said.append(f"{count:,} {are(count)} on no calendar{such_as('impossible')}.")
    return said


def _reading(import_: Import) -> dict[str, Any]:
    """How the file was read, and in which other ways it can be."""
    assert import_.file is not None  # what may be checked has one
    table = open_prepared(import_.file)
    return {
        "said": table.said,
        "can_change": is_waiting(import_.file) and table.kind != "mailchimp",
        "has_headers": table.has_headers,
        "sheets": table.sheets if len(table.sheets) > 1 else [],
        "sheet": table.sheet,
        "encodings": CHOICES if table.kind not in _WORKBOOKS else (),
    }


def _types() -> list[tuple[str, str]]:
    rows = ActivityType.objects.filter(enabled=True).order_by("name")
    return list(rows.values_list("code_name", "name"))
