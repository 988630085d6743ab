"""Automations for tests of their pages."""

import json
from datetime import timedelta

from django.utils import timezone

from automations.models import Automation, Passage, Run
from automations.saving import save_automation
from tests.factories import make_contact

LIST_URL = "/admin/automations/automation/"
ADD_URL = f"{LIST_URL}add/"
RUNS_URL = "/admin/automations/run/"
TRIGGER = {"type": "activity", "activities": ["pagevisit"]}
EVERYBODY = {"match": "all", "conditions": []}
EMAIL = {"key": "email", "type": "email", "template": "brochure"}
WAIT = {"key": "wait", "type": "wait", "for": "2 days"}
IF = {
    "key": "if",
    "type": "if",
    "rule": EVERYBODY,
    "then": [{"key": "then", "type": "stop"}],
    "else": [],
}
SPLIT = {"key": "split", "type": "split", "shares": [50, 50], "branches": [[EMAIL], []]}


def posted(**fields):
    """What a browser sends that saves an automation."""
    given = {
        "name": "Brochure",
        "code_name": "brochure",
        "description": "",
        "runs": "many",
        "trigger": TRIGGER,
        "steps": [{"type": "email", "template": "brochure"}],
        **fields,
    }
    for name in ("trigger", "steps"):
        if not isinstance(given[name], str):
            given[name] = json.dumps(given[name])
    return given


def make_automation(code_name="brochure", *, steps=(WAIT, EMAIL), **fields):
    """An automation that waits two days and sends an email, unless the fields say otherwise."""
    enabled = fields.pop("enabled", False)
    given = {"name": code_name.title(), "trigger": TRIGGER, "steps": list(steps), **fields}
    automation = Automation(code_name=code_name, **given)
    save_automation(automation)
    Automation.objects.filter(pk=automation.pk).update(enabled=enabled)
    automation.refresh_from_db()
    return automation


def make_run(automation, contact=None, *, step="wait", passed=(), **fields):
    """A run that waits at `step`, and has passed others."""
    contact = contact or make_contact()
    run = Run.objects.create(
        automation=automation,
        version=automation.versions.order_by("-number").first(),
        contact=contact,
        entered_as=contact.pk,
        step=step,
        cause="user",
        due_at=fields.pop("due_at", timezone.now() + timedelta(days=2)),
        **fields,
    )
    Passage.objects.bulk_create(Passage(run=run, automation=automation, step=one) for one in passed)
    return run
