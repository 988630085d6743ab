"""The hub's settings, for tests: data of their own, no broker to run, quick passwords."""

import os
from pathlib import Path

_DATA = Path(__file__).resolve().parent.parent / ".data" / "tests"
os.environ.setdefault("DATA_DIR", str(_DATA))
# Each process of pytest-xdist has a server of its own: readers wait for all transactions of theirs.
_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")
if not os.environ["DATA_DIR"].endswith(_PROCESS):
    os.environ["DATA_DIR"] += f"/{_PROCESS}"

from config.settings import *  # noqa: E402, F403 -- they read what was just set

if not REDIS_URL:  # noqa: F405
    CELERY_BROKER_URL = "memory://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# No file with a key of their own.
ERASURE_KEY = "a key of erasures for tests, long enough"
# Tables are emptied after tests that commit. No commit waits for the disk: what is about crashes
# has servers of its own.
DATABASES["default"]["OPTIONS"]["options"] = (  # noqa: F405
    "-c hub.empties=on -c synchronous_commit=off"
)
# What Django's test client calls the hub.
HUB_HOSTS = [*HUB_HOSTS, "testserver"]  # noqa: F405
# Tests look at what they have just changed.
REMEMBERED_SECONDS = 0
