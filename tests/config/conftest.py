"""The ASGI application, and a key for it."""

import pytest

from channels.keys import note_use
from database.memory import forget_everything
from tests.channels.keys import find_api_key
from tests.config.echoing import Echo
from tests.config.server import Server
from tests.factories import make_key


@pytest.fixture
def server(monkeypatch):
    return Server(monkeypatch)


@pytest.fixture
def key(settings):
    """A key that the process remembers, as it does when requests keep coming."""
    settings.REMEMBERED_SECONDS = 60
    key, text = make_key()
    note_use(find_api_key(text, access="tracking"))
    find_api_key(text, access="tracking")
    key.headers = {"authorization": f"Bearer {text}", "content-type": "application/json"}
    yield key
    forget_everything()


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """A web process with the limits that it has."""
    with Echo(tmp_path_factory.mktemp("bounds") / "web") as web:
        yield web


@pytest.fixture
def remembering(settings):
    """The process remembers what it has read."""
    settings.REMEMBERED_SECONDS = 60
    forget_everything()
    yield
    forget_everything()
