"""What holds for every test."""

from uuid import uuid4

import pytest


@pytest.fixture(autouse=True)
def fresh_cache(settings):
    """Nothing is remembered of other tests, nor of those that run meanwhile on the same Redis."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid4().hex}}
