"""The smallest run of the benchmarks, on a real hub: so that they work when they are needed."""

import re

import pytest

from benchmarks.hub import BenchmarkFailed
from benchmarks.plan import AutomationPlan, GroupPlan, Plan
from benchmarks.report import problems_of, render
from benchmarks.run import run

SMALLEST = Plan(
    rounds=1,
    seconds=0.1,
    warm_up_seconds=0.1,
    people=20,
    profiles=1,
    profile_seconds=1,
    latency_seconds=0.1,
    starts=1,
    worker_rounds=1,
    worker_processes=(1,),
    jobs=5,
    read=500,
    groups=GroupPlan(contacts=1000, touched=20, groups=2, joining=20, wave=50, wave_seconds=2.5),
    automations=AutomationPlan(runs=50, waiting=100),
    emails=20,
    deliveries=20,
)
DOORS = {
    "headless, 1 a request",
    "headless, 20 a request",
    "headless, 100 a request",
    "headless, 1 a request, with ids",
    "headless, 20 a request, with ids",
    "headless, 100 a request, with ids",
    "headless, 20 a request, with ids, and 1 refused",
    "cross-site page visit",
    "Commanders Act event",
    "Commanders Act batch, 20 of one user",
    "Commanders Act batch, 20 of 20 users",
}


def test_smallest_run_measures_everything(tmp_path):
    sections = run(tmp_path, SMALLEST, say=lambda text: None)

    assert problems_of(sections) == []
    tables = {section.title: {row[0]: row[1:] for row in section.rows} for section in sections}
    assert tables["Machine"]["fsync"] == ("on",)
    assert tables["Recording"].keys() >= DOORS
    titles = (
        *("Recording", "The limit", "Workers", "Readers", "Contact groups", "Automations"),
        *("Emails", "Deliveries", "Memory after that"),
    )
    for title in titles:
        for name, cells in tables[title].items():
            # Nothing was so slow that it was not there at all.
            assert float(cells[0].replace(",", "")) > 0, (title, name)
    assert tables["Latency at half of the maximum"].keys() == tables["Recording"].keys()
    for name, cells in tables["Where the processor time goes"].items():
        assert sum(map(float, cells)) == pytest.approx(100, abs=3), name
    assert "0%" not in tables["What a web process does"]["all"]
    assert tables["Memory after that"].keys() == {"web", "worker", "scheduler"}
    text = render("", sections)
    assert "activities_activity" in text.partition("## How PostgreSQL builds that group")[2]
    assert re.search(r"In \d+ measurements [\d,]+ rows were counted; each time", text)


def test_a_run_that_cannot_go_on_tells_the_last_words_of_the_hub(tmp_path):
    (tmp_path / "hub").write_text("in the way")

    with pytest.raises(BenchmarkFailed) as caught:
        run(tmp_path, SMALLEST, say=lambda text: None)

    assert "The hub did not start." in str(caught.value)
    assert "File exists" in str(caught.value)
