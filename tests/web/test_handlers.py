"""What Django answers to errors that no view has answered."""

import pytest
from django.db import OperationalError, ProgrammingError
from django.test import Client

from database.loop import Busy
from web import hosts


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.fixture
def fail_with(monkeypatch):
    """Lets whatever looks at the host fail, which is before any view."""

    def fail(error):
        async def is_allowed(host):
            raise error

        monkeypatch.setattr(hosts, "_more", [is_allowed])

    return fail


@pytest.mark.parametrize("error", [OperationalError("no server"), Busy()])
@pytest.mark.parametrize("path", ["/admin/", "/Kentico.Tracking/consents"])
def test_database_that_is_away_is_503(client, fail_with, caplog, error, path):
    fail_with(error)

    response = client.get(path, headers={"host": "main.example"})

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "Internal Server Error" not in caplog.text
    if path == "/admin/":
        assert "Not available for the moment" in response.content.decode()
    else:
        assert response.json()["code"] in {"unavailable", "busy"}


def test_faults_of_the_hub_stay_500(client, fail_with, caplog):
    fail_with(ProgrammingError("no such table"))

    assert client.get("/admin/", headers={"host": "main.example"}).status_code == 500
    assert "no such table" in caplog.text
