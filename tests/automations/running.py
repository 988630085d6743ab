"""Automations with given steps, runs in them, and what workers do about them."""

from django.db.models.functions import Now
from django.utils import timezone

from automations.flow import flow_of
from automations.jobs import RUNS, STATES
from automations.models import Automation, Run
from automations.saving import save_automation
from jobs.working import work_off

EVERYBODY = {"match": "all", "conditions": []}
NOBODY = {"match": "any", "conditions": []}


def make_automation(*steps, code_name="welcome", **fields):
    """An automation that is switched on and has these steps; those with a key keep it."""
    automation = Automation(
        **{"name": "Welcome", "code_name": code_name, "enabled": True, **fields},
        steps=list(steps),
    )
    save_automation(automation)
    return automation


def change_steps(automation, *steps):
    """Give the automation these steps, and with them another version."""
    automation.steps = list(steps)
    save_automation(automation)


def enter(automation, contact, **fields):
    """A run of the contact in the newest version, at its first step."""
    version = automation.versions.order_by("-number").first()
    return Run.objects.create(
        **{
            "automation": automation,
            "version": version,
            "contact": contact,
            "entered_as": contact.pk,
            "step": flow_of(version.pk).first,
            "cause": Run.Cause.CODE,
            **fields,
        }
    )


def work(run=None, *, later=None):
    """Have workers do what is due; and read `run` again, if given, `later` than it began to wait.

    Runs that wait are due by then: what they waited for began so much earlier.
    """
    if later is not None:
        for one in Run.objects.filter(status=Run.Status.RUNNING):
            one.step_since -= later
            one.due_at -= later
            one.save()
    work_off(STATES)
    work_off(RUNS)
    if run is not None:
        run.refresh_from_db()
    return run


def work_at_once(run=None):
    """The same, as if everything that waits were due."""
    Run.objects.filter(status=Run.Status.RUNNING).update(due_at=Now())
    return work(run)


def passed(run):
    """The steps that the run has passed, in order, with the outcome of each."""
    return [(one.step, one.outcome) for one in run.passages.order_by("pk")]


def ago(**since):
    """So long ago."""
    return timezone.now() - timezone.timedelta(**since)
