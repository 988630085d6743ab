"""Filters of the list of runs."""

from django.contrib.admin import SimpleListFilter
from django.db.models import Q
from django.http import HttpRequest

from adminsite.searching import as_id
from automations.admin.listing import INSIDE
from automations.admin.phrases import short_phrase
from automations.flow import flow_of
from automations.models import Automation, Run
from automations.steps import InvalidAutomation, all_steps

# Steps and versions of so many are offered, the latest first.
_VERSIONS = 20


class StepFilter(SimpleListFilter):
    """By step, of the automation that the list is of."""

    title = "step"
    parameter_name = "step"

    def lookups(self, request, model_admin):
        automation = _automation(request)
        if automation is None:
            return ()
        steps: dict[str, str] = {}
        for version in automation.versions.order_by("-number")[:_VERSIONS]:
            try:
                for step in all_steps(flow_of(version.pk).steps):
                    steps.setdefault(step.key, short_phrase(step))
            except InvalidAutomation:  # of a kind that the hub does not have any more
                continue
        return list(steps.items())

    def has_output(self) -> bool:
        return True

    def queryset(self, request, queryset):
        return queryset.filter(step=self.value()) if self.value() else queryset


class AutomationFilter(SimpleListFilter):
    """By automation."""

    title = "automation"
    parameter_name = "automation"

    def lookups(self, request, model_admin):
        rows = Automation.objects.order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in rows]

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        return queryset.filter(automation=as_id(self.value() or "") or 0)


class StateFilter(SimpleListFilter):
    """By the state of a run: failing, asking, paused, over."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [
            ("inside", "Inside"),
            ("failing", "Inside, and failed"),
            ("asking", "Waits for a decision"),
            *Run.Status.choices,
        ]

    def queryset(self, request, queryset):
        conditions = {
            "inside": Q(status__in=INSIDE),
            "failing": Q(status__in=INSIDE, attempts__gt=0),
            "asking": Q(asks=True),
        }
        asked = self.value()
        return queryset.filter(conditions.get(asked, Q(status=asked))) if asked else queryset


class VersionFilter(SimpleListFilter):
    """By version, of the automation that the list is of."""

    title = "version"
    parameter_name = "version"

    def lookups(self, request, model_admin):
        automation = _automation(request)
        if automation is None:
            return ()
        rows = automation.versions.order_by("-number").values_list("pk", "number")[:_VERSIONS]
        return [(str(pk), str(number)) for pk, number in rows]

    def has_output(self) -> bool:
        return True

    def queryset(self, request, queryset):
        asked = self.value()
        return queryset.filter(version=as_id(asked) or 0) if asked else queryset


def _automation(request: HttpRequest) -> Automation | None:
    """The automation whose runs the list shows, if it is of one."""
    asked = as_id(request.GET.get("automation", ""))
    return Automation.objects.filter(pk__in=[] if asked is None else [asked]).first()
