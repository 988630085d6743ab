"""The smallest hub that has grown: so that the benchmark works when it is needed."""

from benchmarks.growth import Measured, Size, run, sections_of
from benchmarks.report import render

SMALLEST = Size(contacts=4000, activities=40_000, rounds=1, recorded=200, data_inputs=5)


def test_smallest_hub_is_filled_and_measured(tmp_path):
    machine, filling, work, pages = run(tmp_path, [SMALLEST], say=lambda text: None)

    assert machine.title == "Machine"
    rows = {section.title: {row[0]: row[1:] for row in section.rows} for section in (work, pages)}
    assert float(filling.rows[0][1]) > 0
    assert rows["Work"].keys() == {
        "100 activities recorded",
        "the same, by 8 threads at once",
        "merge of a contact with 200 activities",
        "5 data inputs drained",
    }
    assert {"dashboard", "activity log", "page of a contact", "agreements"} <= rows["Pages"].keys()
    for section in (work, pages):
        assert all(float(row[1]) > 0 for row in section.rows)


def test_what_grew_too_much_is_marked():
    small = Measured(10, {"log": 100.0, "list": 50.0}, {"merge": 1000.0})
    large = Measured(90, {"log": 310.0, "list": 70.0}, {"merge": 1400.0})

    text = render("Growth", sections_of({1_000_000: small, 10_000_000: large}))

    assert "| log | 100.0 | 310.0 | 3.10 | 1.5 times, 300 ms |" in text
    assert "| list | 50.0 | 70.0 | 1.40 |  |" in text
    assert "| merge | 1,000.0 | 1,400.0 | 1.40 |  |" in text
    assert "| activities/s | 100,000 | 111,111 |" in text
