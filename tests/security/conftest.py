"""Fixtures of other folders that tests of security begin with, too."""

import time

import pytest
from django.contrib.auth.models import User

from tests.destinations.conftest import name_server
from tests.security.logins import PASSWORD

__all__ = ["name_server"]


@pytest.fixture
def within_one_piece_of_time():
    """Attempts are counted by pieces of five minutes: the next one may begin, but not end soon."""
    left = 300 - time.time() % 300
    if left < 10:
        time.sleep(left)


@pytest.fixture
def mia():
    return User.objects.create_superuser("mia", "mia@example.com", PASSWORD)
