"""The report of the benchmarks: medians, ranges, and what went wrong."""

import pytest

from benchmarks.report import Section, problems_of, render, spread
from benchmarks.throughput import difference


@pytest.mark.parametrize(
    ("values", "digits", "expected"),
    [
        ([1500.4], 0, "1,500"),
        ([3.0, 1.0, 2.0], 0, "2 (1 to 3)"),
        ([0.5, 0.61, 0.58], 2, "0.58 (0.50 to 0.61)"),
        ([0.5001, 0.5002], 2, "0.50"),
    ],
)
def test_spread_has_median_and_range(values, digits, expected):
    assert spread(values, digits) == expected


def test_report_is_markdown():
    sections = [
        Section("Speed", ["door", "rows/s"], [["headless", "1,500"], ["a|b", "2"]], text="How."),
        Section("Size", ["what", "bytes"], [["the tracker", "15"]]),
    ]

    assert render("Benchmark", sections) == (
        "# Benchmark\n\n"
        "## Speed\n\nHow.\n\n"
        "| door | rows/s |\n| --- | ---: |\n| headless | 1,500 |\n| a\\|b | 2 |\n\n"
        "## Size\n\n"
        "| what | bytes |\n| --- | ---: |\n| the tracker | 15 |\n"
    )


def test_report_begins_with_what_went_wrong():
    sections = [
        Section("Speed", ["door"], []),
        Section("Size", ["what"], [], problems=["The tracker is gone."]),
    ]

    assert problems_of(sections) == ["The tracker is gone."]
    assert "failed.** Its figures" in render("Benchmark", sections)
    assert "\n- The tracker is gone.\n" in render("Benchmark", sections)


def test_difference_between_acknowledged_and_stored_is_a_problem():
    assert difference("headless", acknowledged=1200, stored=1200) == []
    assert difference("headless", acknowledged=1200, stored=1199) == [
        "headless: 1,200 activities were acknowledged, but 1,199 are stored."
    ]
