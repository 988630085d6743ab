"""Supervision: what dies is started again, and what cannot start ends the hub."""

import os
import subprocess
import sys
import time

import pytest

from config.embedded import processes
from config.embedded.processes import Child, StopRequests, Supervisor
from tests.config.hub import ROOT, wait_until


@pytest.fixture
def said():
    return []


@pytest.fixture
def make_child(said, tmp_path):
    children = []

    def make(code, **options):
        child = Child(
            "worker",
            [sys.executable, "-c", code],
            environment=dict(os.environ),
            folder=tmp_path,
            say=said.append,
            **{"seconds_to_stop": 10, **options},
        )
        children.append(child)
        return child

    yield make
    for child in children:
        child.stop(lambda: True)


def supervise(child, said):
    return Supervisor(
        [child], requests=StopRequests(), say=said.append, look_after_others=lambda: None
    )


def test_child_that_cannot_start_ends_the_hub_with_its_last_output(make_child, said, monkeypatch):
    monkeypatch.setattr(processes, "_RESTART_SECONDS", 0.01)
    supervisor = supervise(make_child("print('no such queue'); raise SystemExit(3)"), said)
    supervisor.start()

    is_well = supervisor.watch()

    assert not is_well
    assert said.count("worker: no such queue") == 3
    assert said.count("The worker ended unexpectedly (exit status 3).") == 3
    assert said[-1] == "The worker does not start. Its last output:\nno such queue"


def test_child_of_a_hub_that_was_up_is_tried_again_and_again(make_child, said, monkeypatch):
    monkeypatch.setattr(processes, "_RESTART_SECONDS", 0.01)
    child = make_child("raise SystemExit(3)")
    supervisor = supervise(child, said)
    supervisor.is_up = True
    supervisor.start()

    assert supervisor.watch(until=lambda: child.failed_starts == 5)


@pytest.mark.parametrize(("failures", "pause"), [(0, 1), (2, 1), (3, 2), (4, 4), (20, 30)])
def test_pauses_grow_while_a_child_does_not_start(make_child, failures, pause):
    child = make_child("raise SystemExit(3)")
    child.start()
    wait_until(lambda: not child.is_running)
    child.failed_starts = failures

    child.note_death()

    assert child.restart_at - time.monotonic() == pytest.approx(pause, abs=0.5)


def test_child_that_dies_later_is_started_again(make_child, said, monkeypatch):
    monkeypatch.setattr(processes, "_RESTART_SECONDS", 0.01)
    monkeypatch.setattr(processes, "_SETTLED_SECONDS", 0.0)
    supervisor = supervise(make_child("import os; print(os.getpid(), flush=True)"), said)
    supervisor.start()

    is_well = supervisor.watch(until=lambda: said.count("Starting the worker again.") == 5)

    assert is_well


def test_child_is_asked_to_end_before_it_is_made_to(make_child, said):
    child = make_child(
        "import signal, sys, time\n"
        "def finish(*_): print('finished my work'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, finish); print('up', flush=True); time.sleep(60)"
    )
    child.start()
    wait_until(lambda: "worker: up" in said)

    child.stop(lambda: False)

    assert said[-1] == "worker: finished my work"


def test_child_that_ignores_the_request_is_killed(make_child, said):
    child = make_child(
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
        seconds_to_stop=0.2,
    )
    child.start()
    wait_until(lambda: "worker: up" in said)

    child.stop(lambda: False)

    assert not child.is_running


def test_second_signal_counts_only_after_a_moment(monkeypatch):
    requests = StopRequests()
    requests.startup_done()

    requests._receive()
    requests._receive()
    once = requests.count
    monkeypatch.setattr(processes, "_SAME_SIGNAL_SECONDS", 0.0)
    requests._receive()

    assert once == 1
    assert requests.is_urgent


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_children_end_with_a_parent_that_was_killed():
    tethered = ROOT / "config" / "embedded" / "tethered.py"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, subprocess, sys, time\n"
            f"child = subprocess.Popen([sys.executable, {str(tethered)!r}, str(os.getpid()), "
            "sys.executable, '-c', 'import time; time.sleep(60)'], stdout=subprocess.DEVNULL)\n"
            "print(child.pid, flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(parent.stdout.readline())
    time.sleep(0.5)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    wait_until(lambda: _is_gone(child))


def _is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
