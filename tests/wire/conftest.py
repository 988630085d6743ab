"""Who sends requests over HTTP."""

import pytest

from tests.wire.source import EventSource


@pytest.fixture
def source():
    return EventSource()
