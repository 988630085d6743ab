"""A worker that reads one batch in the database of the tests, and never comes to its end."""

import sys
import time

import django

django.setup()

from django.db import connections  # noqa: E402

from activities.logs import ACTIVITIES  # noqa: E402
from readers.reading import Reader, read_next  # noqa: E402
from tests.readers.log import keeping  # noqa: E402


def keep_and_wait(ids):
    keeping(ACTIVITIES)(ids)
    sys.stdout.write(f"{ids}\n")
    sys.stdout.flush()
    time.sleep(60)


connections.databases["default"]["NAME"] = sys.argv[1]
read_next(Reader("keeper", {ACTIVITIES: keep_and_wait}))
