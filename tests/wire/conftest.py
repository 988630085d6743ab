"""What every test over HTTP begins with."""

import pytest

from activities import inspector
from tests.wire.source import EventSource


@pytest.fixture(autouse=True)
def fresh_sampler(monkeypatch):
    """Of strangers' requests only so many are kept in a minute: each test has a new one."""
    monkeypatch.setattr(inspector, "_sampler", inspector._Sampler())


@pytest.fixture
def source():
    return EventSource()
