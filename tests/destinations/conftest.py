"""What tests of destinations begin with."""

import socket
from datetime import UTC, datetime

import pytest

from tests.destinations.names import NameServer

# A second before an hour is over.
FILE_TIME = datetime(2026, 11, 30, 8, 59, 59, tzinfo=UTC)


@pytest.fixture
def name_server(monkeypatch):
    """The system asks it about every name."""
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    yield server
    server.close()


@pytest.fixture
def loopback(settings):
    """Destinations may be on this machine."""
    settings.DESTINATION_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]


@pytest.fixture
def crm_folder(settings, tmp_path):
    """The folder of a destination whose option `folder` is "crm"."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "destinations" / "crm"


@pytest.fixture
def set_file_time(monkeypatch):
    """Sets the time in the names of files."""

    def set_time(at):
        for module in ("appending", "parquet"):
            monkeypatch.setattr(f"destinations.kinds.{module}.timezone.now", lambda: at)

    set_time(FILE_TIME)
    return set_time
