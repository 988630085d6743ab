"""Files of these tests are in a folder of each."""

import pytest
from django.contrib.auth.models import User

from config.logins.making import make_user


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    """The hub's folder for data; nothing else of it is there."""
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def dpo(client):
    """A client in which a data-protection officer is logged in, and no more."""
    make_user("dpo", role="dpo", password="a long password", email="dpo@example.com")
    client.officer = User.objects.get(username="dpo")
    client.force_login(client.officer)
    return client
