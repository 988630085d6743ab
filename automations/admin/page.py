"""What the page of an automation shows beside its form."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from adminsite.formatting import changelist_url, moment
from automations.admin.actions import ACTIONS
from automations.admin.broadcasts import state_of
from automations.admin.counting import counts_of
from automations.admin.listing import inside, state, with_figures
from automations.admin.mapping import draw, in_words
from automations.admin.permissions import (
    may_add_automations,
    may_add_broadcasts,
    may_change_automations,
    may_see_runs,
)
from automations.admin.phrases import phrase_of_trigger, read_loosely
from automations.models import Automation, Broadcast, Run
from automations.problems import problems_of
from automations.steps import all_steps
from contacts.admin.permissions import may_see_contacts

_VERSIONS = 20
_BROADCASTS = 20


def page_of(request: HttpRequest, automation: Automation) -> dict[str, Any]:
    """What the templates of an automation's page need."""
    return {
        **head_of(request, automation),
        **map_of(automation, automation.trigger, automation.steps),
        "problems": problems_of(automation),
        "refusals": list(automation.refusals.order_by("-last_at")),
        "versions": automation.versions.select_related("created_by").order_by("-number")[
            :_VERSIONS
        ],
        "broadcasts": [(one, state_of(one)) for one in _broadcasts_of(automation)],
    }


def _broadcasts_of(automation: Automation) -> QuerySet[Broadcast]:
    found = automation.broadcasts.select_related("automation", "requested_by")
    return found.order_by("-id")[:_BROADCASTS]


def head_of(request: HttpRequest, automation: Automation) -> dict[str, Any]:
    """How an automation is doing: the head of its page."""
    figures: Any = with_figures(Automation.objects.filter(pk=automation.pk)).get()
    asking = Run.objects.filter(automation=automation, asks=True).values("pk")[:1_001].count()
    of_this = f"automation={automation.pk}"
    return {
        "automation": figures,
        "facts": [
            ("State", state(figures)),
            ("Inside", inside(figures)),
            ("Last entered", moment(figures.last_entered)),
            ("Version", figures.version),
        ],
        "refusals": automation.refusals.order_by("-last_at"),
        "asking": asking,
        "asking_url": changelist_url(Run, f"{of_this}&state=asking"),
        "runs_url": changelist_url(Run, of_this) if may_see_runs(request.user) else "",
        "may_change": may_change_automations(request.user),
        "urls": urls_of(request, automation),
    }


def urls_of(request: HttpRequest, automation: Automation) -> dict[str, str]:
    """Where the buttons of a page lead, of those that this user may press."""

    def url(name: str, *args: Any) -> str:
        return reverse(f"admin:automations_automation_{name}", args=[automation.pk, *args])

    urls = {name.replace("-", "_"): url("act", name) for name in ACTIONS}
    urls["switch_on"] = url("switch_on")
    if may_see_contacts(request.user):
        urls["start"] = url("start")
    if may_add_broadcasts(request.user):
        add = reverse("admin:automations_broadcast_add")
        urls["broadcast"] = f"{add}?{urlencode({'automation': automation.pk})}"
    if may_add_automations(request.user):
        urls["copy"] = url("copy")
    return urls


def map_of(automation: Automation, trigger: object, steps: object) -> dict[str, Any]:
    """The map of trigger and steps, which may still be drawn, with the counts of the automation."""
    read = read_loosely(steps)
    counts = counts_of(automation, [step.key for step in all_steps(read)])
    return {
        "map": draw(trigger, read, counts),
        "words": in_words(read, counts),
        "said": phrase_of_trigger(trigger),
    }
