"""What every test begins with, and users of the admin."""

import uuid
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission, User

from activities import inspector
from tests import clearing, migrated
from tests.config.homes import Homes, folder_of_run

clearing.use()


def pytest_collection_modifyitems(items):
    """Tests that share a hub run in one process of pytest-xdist: so it is started once."""
    for item in items:
        fixtures = getattr(item, "_fixtureinfo", None)
        found = fixtures and fixtures.name2fixturedefs.get("hub")
        if found and found[-1].scope == "module":
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, django_db_blocker):
    """What a run before has migrated is used again."""
    with django_db_blocker.unblock():
        migrated.use()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The rows that migrations have made are kept, for tests that commit, and for the next run."""
    with django_db_blocker.unblock():
        clearing.keep_as_made()
        migrated.keep()


@pytest.fixture(autouse=True)
def fresh_sampler(monkeypatch):
    """Of strangers' requests only so many are kept in a minute: each test has one of its own."""
    monkeypatch.setattr(inspector, "_sampler", inspector._Sampler())
    monkeypatch.setattr(inspector, "time", SimpleNamespace(monotonic=lambda: 0.0))


@pytest.fixture(autouse=True)
def file_of_erasures(settings, tmp_path_factory):
    """A file of erasures for each test: what one erases, another one does not know."""
    settings.ERASURES_DIR = tmp_path_factory.getbasetemp() / f"erasures-{uuid.uuid4().hex}"
    return settings.ERASURES_DIR / "erasures.jsonl"


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """Data directories for real hubs, which need not migrate and load the demo each time."""
    return Homes(folder_of_run(tmp_path_factory))


@pytest.fixture
def log_in(client):
    """Logs in a user who has these permissions and no others."""

    def log_in(*permissions):
        user = User.objects.create(username="reader", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user)
        return client

    return log_in
