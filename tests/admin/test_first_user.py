"""The login page while nobody can log in."""

import sys

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

pytestmark = pytest.mark.django_db

LOGIN = reverse("admin:login")


@pytest.fixture
def in_its_own_environment(settings, monkeypatch):
    """The hub as `make run` sets it up, with its data where they usually are."""
    settings.DATA_DIR = settings.BASE_DIR / ".data"
    monkeypatch.setattr(sys, "executable", str(settings.BASE_DIR / ".venv/bin/python"))


def test_login_says_how_to_make_the_first_user(client, in_its_own_environment):
    html = client.get(LOGIN).text

    assert ".venv/bin/python manage.py createsuperuser" in html
    assert "There is no user yet." in html


def test_login_names_data_that_are_elsewhere(client, in_its_own_environment, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "my data"

    response = client.get(LOGIN)

    assert response.context["first_user_command"] == (
        f"DATA_DIR='{settings.DATA_DIR}' .venv/bin/python manage.py createsuperuser"
    )


def test_login_tells_strangers_no_path_in_production(client, settings, tmp_path):
    settings.PRODUCTION, settings.DATA_DIR = True, tmp_path

    response = client.get(LOGIN)

    assert response.context["first_user_command"] == "python manage.py createsuperuser"


def test_login_makes_no_user(client):
    form = {"username": "ada", "password": "secret", "password1": "secret", "password2": "secret"}

    assert client.post(LOGIN, form).status_code == 200

    assert not User.objects.exists()


def test_login_says_nothing_of_it_once_there_is_a_user(client):
    User.objects.create_user("ada")

    assert "createsuperuser" not in client.get(LOGIN).text
