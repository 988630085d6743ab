"""A program of its own: turns a sheet of a workbook into a CSV, within limits, and says which.

    python workbook_program.py WORKBOOK CSV SHEET MEGABYTES SECONDS

Each row of the sheet is a row of the CSV, blank ones too, so the numbers of rows stay. Numbers have
no `.0`, dates are written YYYY-MM-DD, and formulas are what they came to.
"""

import csv
import datetime
import json
import resource
import sys

_LARGEST = 10**15


def main(source: str, target: str, wanted: str, megabytes: str, seconds: str) -> dict:
    """Turn the sheet into a CSV; which it was, which others there are, or what was wrong."""
    most = int(megabytes) << 20
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        resource.setrlimit(limit, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    import python_calamine as calamine  # noqa: PLC0415 -- within the limits

    try:
        workbook = calamine.CalamineWorkbook.from_path(source)
    except calamine.PasswordError:
        return {"error": "The workbook has a password. Take it off, and upload it again."}
    except (calamine.CalamineError, OSError, ValueError):
        return {
            "error": "The workbook is damaged, or is not one. Open it in the program that it is "
            "from, save it as .xlsx or CSV, and upload that."
        }
    sheets = [
        one.name for one in workbook.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    if wanted and wanted not in sheets:
        return {"error": f"The workbook has no sheet “{wanted[:80]}”. It has: {_listed(sheets)}."}
    for name in [wanted] if wanted else sheets:
        try:
            sheet = workbook.get_sheet_by_name(name)
        except (calamine.CalamineError, ValueError):
            return {"error": f"The sheet “{name[:80]}” is damaged. Save it as CSV."}
        if sheet.height and sheet.width:
            with open(target, "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(map(_texts, sheet.iter_rows()))
            return {"sheets": sheets, "sheet": name}
    return {"error": "The workbook has no sheet with cells in it. Choose another file."}


def _listed(sheets: list[str]) -> str:
    return ", ".join(f"“{name[:80]}”" for name in sheets[:10])


def _texts(cells: list) -> list[str]:
    return [cell if type(cell) is str else _text(cell) for cell in cells]


def _text(cell: object) -> str:
    """A cell as text."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        is_whole = cell.is_integer() and abs(cell) < _LARGEST * 1000
        return str(int(cell)) if is_whole else repr(cell)
    if isinstance(cell, datetime.datetime):
        is_day = cell.time() == datetime.time()
        return cell.date().isoformat() if is_day else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    if isinstance(cell, datetime.time):
        return cell.isoformat(timespec="seconds")
    return str(cell)


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
