"""The report of the benchmarks: medians, ranges, and what went wrong."""

import pytest

from benchmarks.hub import ROOT
from benchmarks.limit import SIZES
from benchmarks.load import Load
from benchmarks.processes import Clock
from benchmarks.report import Section, code_block, problems_of, read_table, render, spread
from benchmarks.scenarios import Scenario
from benchmarks.throughput import Measured, Throughput, difference, sections

COST = Clock(web=2.0, database=1.0, generator=0.5, others=0.1, idle=1.4)


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


def test_section_without_columns_is_a_text():
    section = Section("Plan", [], [], text=code_block("Seq Scan\n  Filter"))

    assert render("Benchmark", [section]) == (
        "# Benchmark\n\n## Plan\n\n```\nSeq Scan\n  Filter\n```\n"
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


def measured(*speeds, target):
    """A door with one activity a request, which recorded so many a second in each round."""
    scenario = Scenario("headless", 1, requests=[], count=lambda status, body: 1, target=target)
    loads = [Load(requests=speed, acknowledged=speed, seconds=1.0) for speed in speeds]
    return Measured(scenario, loads, costs=[COST], paced=[Load(latencies=[0.1])])


@pytest.mark.parametrize(("target", "reached"), [(0.6, "no"), (0.5, "yes")])
def test_report_says_which_targets_are_missed_and_what_was_tried(target, reached):
    found = Throughput([measured(400, 500, 900, target=target)])
    for size in SIZES:
        found.limits[size] = [1000.0, 1000.0, 1000.0]
        found.limit_costs[size] = [COST]

    tables = {section.title: section for section in sections(found)}

    (row,) = tables["Recording"].rows
    assert row[3:6] == ["0.50 (0.40 to 0.90)", f"{target:.2f}", reached]
    assert ("What was tried to reach the targets" in tables) == (reached == "no")


def test_what_was_tried_is_read_from_the_documentation():
    what, *tried = read_table((ROOT / "docs/performance.md").read_text(), "What was tried")

    assert what == ["what", "what came of it"]
    assert len(tried) > 5
    assert all(len(row) == 2 and all(row) for row in tried)
