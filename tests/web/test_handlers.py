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


def test_a_fault_of_the_hub_is_a_page_with_a_way_back(client, fail_with):
    fail_with(ProgrammingError("no such table"))

    page = client.get("/admin/groups/", headers={"host": "main.example"}).content.decode()

    assert "Something went wrong, and it was not you" in page
    assert 'href="/admin/"' in page
    assert 'href="/admin/help/"' in page
    assert "no such table" not in page


@pytest.mark.django_db
def test_a_page_that_is_not_there_leads_back(admin_client):
    response = admin_client.get("/admin/nothing/here/")

    assert response.status_code == 404
    assert "There is no such page" in response.text
    assert 'href="/admin/"' in response.text
    assert 'href="/admin/help/"' in response.text
    assert 'icon.svg" alt=""' in response.text
    assert "<style" not in response.text  # which the Content-Security-Policy refuses


@pytest.mark.django_db
def test_elsewhere_nobody_learns_where_the_admin_is(client):
    response = client.get("/nothing/here")

    assert response.status_code == 404
    assert "There is no such page" in response.text
    assert '"/admin' not in response.text


@pytest.mark.django_db
def test_a_page_that_a_user_may_not_see_says_what_to_do(client, django_user_model):
    user = django_user_model.objects.create_user("ada", password="x", is_staff=True)
    client.force_login(user)

    response = client.get("/admin/groups/contactgroup/")

    assert response.status_code == 403
    assert "ask the operator of this hub" in response.text
    assert 'href="/admin/"' in response.text


@pytest.mark.django_db
def test_a_form_without_its_token_says_that_nothing_was_saved():
    response = Client(enforce_csrf_checks=True).post("/admin/login/")

    assert response.status_code == 403
    assert "What you sent was not saved" in response.text
