"""The doorbell: nobody waits for it, and a broker that is away is asked again after a pause."""

import threading
import time
from itertools import pairwise

import pytest

from config.celery import app
from config.doorbell import Doorbell


class Task:
    """Keeps what is sent and when it was tried, and fails or hangs for as long as it is told to."""

    def __init__(self):
        self.sent, self.attempts_at, self.failures = [], [], 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def apply_async(self, args, kwargs, *, connection, retry):
        self.attempts_at.append(time.monotonic())
        self.may_go_on.wait(10)
        if len(self.attempts_at) <= self.failures:
            raise OSError("No space left\non device")
        self.sent.append(kwargs["number"])


@pytest.fixture
def task():
    return Task()


@pytest.fixture
def bell():
    return Doorbell(app, pause=0.3)


def test_who_rings_does_not_wait(bell, task):
    task.may_go_on.clear()

    started_at = time.monotonic()
    for number in range(3_000):
        bell.ring(task, (), {"number": number})
    seconds = time.monotonic() - started_at
    task.may_go_on.set()

    assert seconds < 1
    assert bell.finish(5)
    # What had no room is left to the sweeps.
    assert task.sent in (list(range(1_000)), list(range(1_001)))


def test_messages_wait_while_the_broker_is_away_and_go_out_afterwards(bell, task, caplog):
    task.failures = 3
    for number in range(5):
        bell.ring(task, (), {"number": number})

    assert bell.finish(30)
    pauses = [later - earlier for earlier, later in pairwise(task.attempts_at)]
    assert len(pauses) == 4
    assert min(pauses[:3]) >= 0.3
    assert task.sent == [3, 4]
    (line,) = caplog.messages
    assert line.startswith("The broker takes no messages (OSError: No space left on device)")


def test_end_of_a_process_does_not_wait_for_a_broker_that_hangs(bell, task):
    task.may_go_on.clear()
    bell.ring(task, (), {"number": 1})

    started_at = time.monotonic()
    assert not bell.finish(0.2)
    assert time.monotonic() - started_at < 1
    task.may_go_on.set()
