"""The hub's settings, for tests: data of their own, no broker to run, quick passwords."""

import os
from pathlib import Path

_DATA = Path(__file__).resolve().parent.parent / ".data" / "tests"
os.environ.setdefault("DATA_DIR", str(_DATA))

from config.settings import *  # noqa: E402, F403 -- they read what was just set

if not REDIS_URL:  # noqa: F405
    CELERY_BROKER_URL = "memory://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# What Django's test client calls the hub.
HUB_HOSTS = [*HUB_HOSTS, "testserver"]  # noqa: F405
# Tests look at what they have just changed.
REMEMBERED_SECONDS = 0
