"""Contacts in automations, put in place inside of Django, as `staging` does."""

import json
import sys
import time
from itertools import batched
from statistics import median
from typing import Any

from django.db import connection
from django.utils import timezone

from automations.entering import Entry, enter
from automations.jobs import RUNS
from automations.models import Automation, Run
from automations.saving import save_automation
from contacts.models import Contact
from groups.models import ContactGroup
from jobs.tasks import ring
from jobs.working import work_off

_AT_ONCE = 5_000
_LOOKS = 30
# Each thread of a worker needs one to begin with.
_MESSAGES = 64
_GROUP = "benchmark-entered"
_HAS_NO_EMAIL = {"match": "all", "conditions": [{"type": "field_empty", "field": "email"}]}
_STEPS: list[dict[str, Any]] = [
    {"type": "if", "rule": _HAS_NO_EMAIL, "then": [], "else": [{"type": "stop"}]},
    {"type": "split", "shares": [50, 50], "branches": [[], []]},
    {"type": "group", "add": _GROUP},
]
_LET_WAIT = """
INSERT INTO automations_run (automation_id, version_id, contact_id, entered_as, status, step,
    step_since, entered_at, due_at, reason, cause, event_name, event_data, once, depth)
SELECT %s, %s, %s, %s, 'running', %s, now(), now(), now() + interval '1 day' + n * interval '1 s',
    '', 'code', '', '', false, 1
FROM generate_series(1, %s) AS n
"""


def stage_runs(count: int) -> None:
    """Let so many contacts enter an automation of three steps, and leave them to the workers."""
    ContactGroup.objects.get_or_create(code_name=_GROUP, defaults={"name": _GROUP, "static": True})
    automation = _automation(_STEPS)
    for numbers in batched(range(count), _AT_ONCE):
        contacts = Contact.objects.bulk_create(Contact() for _ in numbers)
        enter(automation, [Entry(one.pk, Run.Cause.CODE) for one in contacts])
    for _ in range(_MESSAGES):
        ring(RUNS.name)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def measure_waiting(count: int) -> None:
    """Print, as JSON, the milliseconds of a look for due runs while so many wait."""
    automation = _automation([{"type": "wait", "for": "2 days"}])
    version = automation.versions.get()
    contact = Contact.objects.create()
    with connection.cursor() as cursor:
        ids = [automation.pk, version.pk, contact.pk, contact.pk]
        cursor.execute(_LET_WAIT, [*ids, version.steps[0]["key"], count])
        cursor.execute("VACUUM ANALYZE automations_run")
    looks = []
    for _ in range(_LOOKS):
        started_at = time.perf_counter()
        work_off(RUNS)
        looks.append(time.perf_counter() - started_at)
    Run.objects.filter(automation=automation).delete()
    sys.stdout.write(json.dumps({"look": 1000 * median(looks)}))


def _automation(steps: list[dict[str, Any]]) -> Automation:
    name = f"benchmark-{timezone.now():%H%M%S%f}"
    automation = Automation(name=name, code_name=name, enabled=True, steps=steps)
    save_automation(automation)
    return automation
