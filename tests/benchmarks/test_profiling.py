"""What py-spy saw, by the functions of the hub."""

import subprocess
import sys

from benchmarks.hub import ROOT
from benchmarks.profiling import read_profile, spy

BUSY = "while True: sum(range(1000))"


def test_a_stack_counts_for_the_innermost_function_of_the_hub():
    write = f"write ({ROOT}/activities/batches.py)"
    copy = f"_copy ({ROOT}/activities/batches.py)"
    psycopg = f"copy ({ROOT}/.venv/lib/python3.11/site-packages/psycopg/cursor.py)"
    threads = "run (/usr/lib/python3.11/threading.py)"

    samples = read_profile(
        f"{threads};{write} 3\n{threads};{write};{copy};{psycopg} 20\n{threads};{psycopg} 4\n"
        f"{threads};{write};{psycopg} 1\n"
    )

    assert samples == {
        "activities.batches.write": 4,
        "activities.batches._copy": 20,
        "uvicorn, the event loop and threads": 4,
    }


def test_a_busy_process_holds_its_interpreter():
    with subprocess.Popen([sys.executable, "-c", BUSY]) as process:
        try:
            profile = spy(process.pid, 1)
        finally:
            process.kill()

    assert profile.failure == ""
    assert 0.5 < profile.held <= 1.1


def test_what_cannot_be_looked_at_is_said():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    profile = spy(process.pid, 1)

    assert profile.held == 0
    assert profile.failure.startswith("Error: ")
