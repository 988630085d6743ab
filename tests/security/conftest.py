"""Fixtures of other folders that tests of security begin with, too."""

from tests.destinations.conftest import name_server

__all__ = ["name_server"]
