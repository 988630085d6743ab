"""What every test over HTTP begins with."""

import pytest

from activities import inspector
from tests.wire import app
from tests.wire.express import ExpressClient, record_here
from tests.wire.source import EventSource
from tracking.headless import express


@pytest.fixture(autouse=True)
def fresh_sampler(monkeypatch):
    """Of strangers' requests only so many are kept in a minute: each test has a new one."""
    monkeypatch.setattr(inspector, "_sampler", inspector._Sampler())


@pytest.fixture(params=["view", "express"])
def lane(request, monkeypatch, settings):
    """Requests with activities are answered by the view alone, or by the express lane first."""
    if request.param == "express":
        settings.REMEMBERED_SECONDS = 60
        monkeypatch.setattr(app, "Client", ExpressClient)
        monkeypatch.setattr(express, "record_activities_async", record_here)
    return request.param


@pytest.fixture
def source():
    return EventSource()
