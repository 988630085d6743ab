"""Times as clients write them."""

from zoneinfo import ZoneInfo

import pytest

from activities.times import parse_time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-05-04T10:30:00Z", "2026-05-04T10:30:00+00:00"),
        ("2026-05-04t10:30:00z", "2026-05-04T10:30:00+00:00"),
        ("2026-05-04 10:30", "2026-05-04T10:30:00+00:00"),
        (" 2026-05-04T10:30+02:00 ", "2026-05-04T10:30:00+02:00"),
        ("20260504T103000,5+0200", "2026-05-04T10:30:00.500000+02:00"),
        ("2026-05-04", "2026-05-04T00:00:00+00:00"),
        ("2026-W19-1", "2026-05-04T00:00:00+00:00"),
        ("2026-123", "2026-05-03T00:00:00+00:00"),
        ("2026-123t10:00z", "2026-05-03T10:00:00+00:00"),
        ("2026123T100000Z", "2026-05-03T10:00:00+00:00"),
        ("2024-366", "2024-12-31T00:00:00+00:00"),
        ("2026-05-04T24:00", "2026-05-05T00:00:00+00:00"),
        ("2026-12-31T24:00:00.000Z", "2027-01-01T00:00:00+00:00"),
        ("20260504T2400+02", "2026-05-05T00:00:00+02:00"),
        ("2026-365T24:00Z", "2027-01-01T00:00:00+00:00"),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00+00:00"),
        ("2026-07-01T01:59:60.25+02:00", "2026-07-01T02:00:00.250000+02:00"),
        ("20261231T235960Z", "2027-01-01T00:00:00+00:00"),
    ],
)
def test_time_is_understood(text, time):
    assert parse_time(text).isoformat() == time


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-000", "2026-366", "0000-001", "2026-1234", "2026-05-04T24:01",
     "2026-05-04T24:00:01", "2026-05-04T24:00:00.1", "2026-05-04T25:00", "2026-05-04T10:60:60",
     "2026-05-04T10:30:61", "2026-05-04T10:30Z+02:00", "24:00", ":60"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 -- Python's own words, which change
        parse_time(text)


def test_last_day_that_python_knows_has_no_end():
    with pytest.raises(OverflowError):
        parse_time("9999-12-31T24:00")


def test_time_without_an_offset_is_one_of_the_zone():
    berlin = ZoneInfo("Europe/Berlin")

    assert parse_time("2026-123", berlin).isoformat() == "2026-05-03T00:00:00+02:00"
    assert parse_time("2026-123T00:00Z", berlin).isoformat() == "2026-05-03T00:00:00+00:00"
