"""Automations for tests of who enters them, and the reader that lets contacts in."""

import itertools

from automations.following import AUTOMATIONS
from automations.models import Automation, Run
from automations.saving import save_automation
from tests.readers.waiting import read_next

_numbers = itertools.count(1)


def on_activity(*types, **members):
    """A trigger: an activity of one of these types, or a page visit."""
    return {"type": "activity", "activities": list(types or ["pagevisit"]), **members}


def make_automation(trigger=None, **fields):
    """An automation that is switched on, with one step at which runs wait."""
    number = next(_numbers)
    automation = Automation(
        trigger=trigger or {"type": "manual"},
        **{
            "name": f"Automation {number}",
            "code_name": f"automation-{number}",
            "enabled": True,
            "steps": [{"type": "wait", "for": "2 days"}],
            **fields,
        },
    )
    save_automation(automation)
    automation.refresh_from_db()
    return automation


def follow():
    """Let the reader read all that was committed."""
    while read_next(AUTOMATIONS):
        pass


def runs(automation):
    """The contacts of the automation's runs, in the order in which they entered."""
    return list(
        Run.objects.filter(automation=automation).order_by("pk").values_list("contact", flat=True)
    )


def refusals(automation):
    """How many entries were refused, by reason."""
    return dict(automation.refusals.values_list("reason", "count"))
