"""Files as users have them: the samples, and workbooks made for a test."""

import zipfile
from pathlib import Path

import xlsxwriter
from django.conf import settings

from exchange.importing.reading import Unreadable, open_uploaded

SAMPLES = Path(__file__).parent / "samples"
GERMAN = settings.BASE_DIR / "docs" / "examples" / "imports" / "customers.csv"


def mailchimp_zip(path):
    """Mailchimp's export as it comes: the three files of the samples in a ZIP."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        # The alphabet has the subscribed before the unsubscribed.
        for file in sorted((SAMPLES / "mailchimp").iterdir()):
            archive.write(file, file.name)
    return path


def workbook(path, sheets, date_format="dd.mm.yyyy"):
    """An Excel workbook with these sheets: rows of cells by the sheet's name."""
    book = xlsxwriter.Workbook(path, {"default_date_format": date_format})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    book.close()
    return path


def read(path, **options):
    """The headers of a file, its rows, and the reasons of those that cannot be taken by number."""
    table = open_uploaded(path, **options)
    good, bad = [], {}
    for number, cells in table.rows():
        if isinstance(cells, Unreadable):
            bad[number] = cells.reason
        else:
            good.append((number, cells))
    return table.headers, good, bad
