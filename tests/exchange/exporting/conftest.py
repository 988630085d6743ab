"""Files of exports in a folder of the test, made by a worker at once."""

import pytest
from django.contrib.auth.models import User

from adminsite.roles import give_roles
from exchange.exporting import files, making


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """Where the files are."""
    path = tmp_path / "exports"
    monkeypatch.setattr(files, "BASE", str(path))
    return path


@pytest.fixture
def user_with():
    """Makes a user with these roles."""

    def user_with(*roles, name="somebody"):
        user = User.objects.create(username=name, is_staff=True)
        give_roles(user, roles)
        return User.objects.get(pk=user.pk)

    return user_with


@pytest.fixture
def marketer(user_with):
    return user_with("marketer", name="marketer")


@pytest.fixture
def small_portions(monkeypatch):
    """A worker gathers two rows at a time."""
    monkeypatch.setattr(making, "_SECONDS", 0.0)
    monkeypatch.setattr(making, "_IDS", 2)
