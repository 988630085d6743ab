"""The smallest hub that has grown: so that the benchmark works when it is needed."""

from benchmarks.growth import Measured, Size, run, sections_of
from benchmarks.report import render

SMALLEST = Size(
    contacts=4000, activities=40_000, rounds=1, recorded=200, jobs=5, touched=20, groups=2
)


def test_smallest_hub_is_filled_and_measured(tmp_path):
    machine, filling, work, build, searches, pages = run(
        tmp_path, [SMALLEST], say=lambda text: None, turns=1
    )

    assert machine.title == "Machine"
    rows = {
        section.title: {row[0]: row[1:] for row in section.rows}
        for section in (work, build, searches, pages)
    }
    assert float(filling.rows[0][1]) > 0
    assert rows["Work"].keys() == {
        "100 activities recorded",
        "the same, by 8 threads at once",
        "merge of a contact with 200 activities",
        "600 activities read by the reader “seen”",
        "600 activities read by the reader “figures”",
        "file with all about a contact with 200 activities",
        "5 data inputs drained",
        "5 merges of contacts with 5 activities",
        "20 contacts looked at for 2 contact groups",
        "explanation of a membership",
        "first count of a condition in the builder",
        "count of a known condition in the builder",
    }
    assert "activities_activity" in build.text
    assert {"dashboard", "activity log", "page of a contact", "agreements"} <= rows["Pages"].keys()
    assert {"contacts by a part of a name", "contacts by a phone"} <= rows["Searches"].keys()
    for section in (work, build, searches, pages):
        assert all(float(row[1].replace(",", "")) > 0 for row in section.rows)


def test_what_grew_too_much_is_marked():
    small = Measured(
        10,
        {"log": 100.0, "list": 50.0, "dashboard of 90 days": 300.0},
        {"by a name": 90.0},
        {"merge": 1000.0},
        {"build": 900.0},
        "Seq Scan",
    )
    large = Measured(
        90,
        {"log": 310.0, "list": 70.0, "dashboard of 90 days": 400.0},
        {"by a name": 101.0},
        {"merge": 1400.0},
        {"build": 9000.0},
        "Index Scan",
    )

    text = render("Growth", sections_of({1_000_000: small, 10_000_000: large}))

    assert "| log | 100.0 | 310.0 | 3.10 | 1.5 times, 300 ms |" in text
    assert "| list | 50.0 | 70.0 | 1.40 |  |" in text
    assert "| by a name | 90.0 | 101.0 | 1.12 | 100 ms |" in text
    assert "| dashboard of 90 days | 300.0 | 400.0 | 1.33 |  |" in text
    assert "| merge | 1,000.0 | 1,400.0 | 1.40 |  |" in text
    assert "| build | 900.0 | 9,000.0 | 10.00 |\n" in text
    assert "10 million:\n\n```\nIndex Scan\n```\n" in text
    assert "| activities/s | 100,000 | 111,111 |" in text
