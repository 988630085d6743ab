"""Dates of columns: by a format, or by what the whole column can only mean."""

import pytest

from exchange.importing.dates import BadFormat, DateFormat, NoDate, ReadsTwoWays


@pytest.mark.parametrize(
    ("written", "text", "time"),
    [
        ("DD/MM/YYYY", "31/12/1999", "1999-12-31T00:00:00+00:00"),
        ("MM/DD/YYYY", "12/31/1999", "1999-12-31T00:00:00+00:00"),
        ("D.M.YY", "1.2.99", "1999-02-01T00:00:00+00:00"),
        ("YYYYMMDD", "19991231", "1999-12-31T00:00:00+00:00"),
        ("DD.MM.YYYY HH:MM:SS", "05.03.2020 10:11:12", "2020-03-05T10:11:12+00:00"),
        ("DD/MM/YYYY HH:mm", "05/03/2020 10:11+02:00", "2020-03-05T08:11:00+00:00"),
        # Year first is understood whatever the format is.
        ("DD/MM/YYYY", "1999-12-31", "1999-12-31T00:00:00+00:00"),
    ],
)
def test_format_reads_what_is_written_so(written, text, time):
    assert DateFormat.of(written).read(text).isoformat() == time


@pytest.mark.parametrize("text", ["31/02/1999", "1/1", "", "tomorrow", "12-31-1999"])
def test_format_reads_nothing_else(text):
    with pytest.raises(NoDate):
        DateFormat.of("DD/MM/YYYY").read(text)


@pytest.mark.parametrize("written", ["DD/MM", "whenever", "DD/MM/YYYY DD", ""])
def test_format_has_a_day_a_month_and_a_year_once(written):
    with pytest.raises(BadFormat):
        DateFormat.of(written)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["03/04/1990", "25/06/1991"], "DD/MM/YYYY"),
        (["03/04/1990", "05/26/1991"], "MM/DD/YYYY"),
        (["1990-03-04"], "DD/MM/YYYY"),
        (["03.04.1990"], "DD/MM/YYYY"),
        (["04/04/1990", "5/5/1990"], "DD/MM/YYYY"),
    ],
)
def test_column_says_its_format(values, found):
    assert DateFormat.detect(values, "Born").text == found


def test_column_that_reads_two_ways_is_named():
    with pytest.raises(ReadsTwoWays, match="the column “Born” read two ways, DD/MM/YYYY and MM/DD"):
        DateFormat.detect(["03/04/1990", "04/04/1990"], "Born")
