"""A worker that begins to build in the database of the tests, and never comes to its end."""

import sys
import time

import django

django.setup()

from django.db import connections  # noqa: E402

from groups import building  # noqa: E402
from groups.models import GroupBuild  # noqa: E402

name, phase = sys.argv[1:]


def say_and_wait(*args):
    sys.stdout.write(f"{phase}\n")
    sys.stdout.flush()
    time.sleep(60)


connections.databases["default"]["NAME"] = name
# The swap locks the group before it looks at what came.
step = {"reading": "meaning_of", "comparing": "_look_at_what_came"}[phase]
setattr(building, step, say_and_wait)
building.build_groups(list(GroupBuild.objects.values_list("pk", flat=True)))
