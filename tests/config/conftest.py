"""The ASGI application, and a key for it."""

import pytest

from channels.keys import find_api_key, note_use
from database.memory import forget_everything
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
