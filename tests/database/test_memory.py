"""What a process remembers for a moment, it forgets after it; what is not there it looks for."""

import time

import pytest

from database.memory import ShortMemory


@pytest.fixture(autouse=True)
def remember(settings):
    settings.REMEMBERED_SECONDS = 0.2


def counting(values):
    asked = []

    def read(key):
        asked.append(key)
        return values.get(key)

    return ShortMemory(read), asked


def test_value_is_read_once_within_the_time():
    memory, asked = counting({"a": 1})

    assert [memory.get("a") for _ in range(5)] == [1] * 5
    assert asked == ["a"]


def test_change_counts_after_the_time():
    values = {"a": 1}
    memory, _ = counting(values)
    memory.get("a")
    values["a"] = 2

    assert memory.get("a") == 1
    time.sleep(0.25)
    assert memory.get("a") == 2


def test_what_is_gone_is_forgotten():
    values = {"a": 1}
    memory, _ = counting(values)
    memory.get("a")
    del values["a"]
    time.sleep(0.25)

    assert memory.get("a") is None


def test_what_is_new_is_found_at_once():
    values = {}
    memory, _ = counting(values)
    assert memory.get("a") is None
    values["a"] = 1

    assert memory.get("a") == 1


def test_what_is_known_can_be_recalled_without_asking(settings):
    settings.REMEMBERED_SECONDS = 60
    memory, asked = counting({"a": 1})

    assert memory.recall("a") is None
    memory.get("a")

    assert memory.recall("a") == 1
    assert asked == ["a"]
    memory.forget()
    assert memory.recall("a") is None


def test_one_is_sent_to_ask_again_and_the_others_are_not(settings, monkeypatch):
    settings.REMEMBERED_SECONDS = 60
    memory, asked = counting({"a": 1})
    memory.get("a")
    now = time.monotonic()

    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert [memory.recall("a") for _ in range(3)] == [None, 1, 1]
    memory.get("a")
    assert [memory.recall("a") for _ in range(2)] == [1, 1]
    assert asked == ["a", "a"]

    # Whoever was sent has not come back.
    monkeypatch.setattr(time, "monotonic", lambda: now + 122)
    assert memory.recall("a") is None
    monkeypatch.setattr(time, "monotonic", lambda: now + 183)
    assert [memory.recall("a") for _ in range(2)] == [None, None]


def test_unknown_keys_are_not_kept(settings):
    settings.REMEMBERED_SECONDS = 60
    memory, _ = counting({})

    for key in "abc":
        assert memory.recall(key) is None

    assert not memory._known
    assert not memory._being_got


def test_made_up_keys_do_not_fill_the_memory():
    memory = ShortMemory(lambda key: key)

    for key in range(10_001):
        memory.get(key)

    assert len(memory._known) == 1
