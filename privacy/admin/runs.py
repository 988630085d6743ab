"""The log of what retention rules have found and deleted."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from activities.admin.permissions import may_see_activities
from activities.models import Activity
from adminsite.columns import Badge, Column, Count, Moment, Short, labels_of
from adminsite.formatting import change_url
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from privacy.models import RetentionRule, RetentionRun

_KINDS = {
    RetentionRun.Status.WAITING: "info",
    RetentionRun.Status.DONE: "good",
    RetentionRun.Status.CANCELLED: "neutral",
    RetentionRun.Status.STOPPED: "bad",
}
STATUS = Badge("status", "State", labels=labels_of(_KINDS))
_HEIGHT, _WIDTH, _STEP = 100, 10, 12


@dataclass(frozen=True)
class MonthBar:
    """What is of one month, in the units of an SVG in which zero is at the top."""

    month: str
    count: int
    x: int
    y: float
    height: float


def way(run: RetentionRun) -> str:
    """Whether it deleted anything."""
    return "Dry run" if run.dry else "Deletion"


def found(run: RetentionRun) -> str:
    """How much it has found or deleted."""
    count = run.found if run.dry else run.deleted
    return f"{count:,} {'found' if run.dry else 'deleted'}"


def months_of(run: RetentionRun) -> list[MonthBar]:
    """A bar for each month of which something is too old, the oldest first."""
    most = max(run.months.values(), default=0)
    bars = []
    for number, (month, count) in enumerate(sorted(run.months.items())):
        height = max(count / most * _HEIGHT, 1)
        bars.append(MonthBar(month, count, number * _STEP, _HEIGHT - height, height))
    return bars


def examples_of(run: RetentionRun, user: AnyUser) -> list[dict[str, Any]]:
    """Some of what was found and is still there, with a link to each, for users who may see it."""
    if run.kind != RetentionRule.Kind.ACTIVITIES:
        if not may_see_contacts(user):
            return []
        people = Contact.objects.filter(pk__in=run.examples).order_by("pk")
        return [{"url": change_url(one), "text": str(one), "at": one.created_at} for one in people]
    if not (may_see_activities(user) and may_see_contacts(user)):
        return []
    rows = Activity.objects.filter(pk__in=run.examples).select_related("type")
    return [
        {"url": change_url(one), "text": one.title or one.type.name, "at": one.occurred_at}
        for one in rows.order_by("occurred_at", "pk")
    ]


def result_of(run: RetentionRun | None, user: AnyUser) -> dict[str, Any]:
    """What a run has come to, for its page and that of its rule."""
    if run is None:
        return {"run": None}
    bars = months_of(run)
    return {
        "run": run,
        "state": STATUS(run),
        "is_over": run.finished_at is not None,
        "bars": bars,
        "chart_width": max(len(bars) * _STEP, 1),
        "examples": examples_of(run, user),
        "is_of_contacts": run.kind != RetentionRule.Kind.ACTIVITIES,
        "per_cent": _per_cent(run),
        "last_month": bars[-1].month if bars else "",
    }


def _per_cent(run: RetentionRun) -> int | None:
    """How far it is; None if nobody can say."""
    if run.finished_at is not None:
        return 100
    if run.kind != RetentionRule.Kind.ACTIVITIES:
        return min(100 * run.position.get("id", 0) // max(run.end, 1), 99)
    return min(100 * (run.deleted + run.kept) // run.end, 99) if run.end and not run.dry else None


@admin.register(RetentionRun)
class RetentionRunAdmin(ReadOnlyAdmin):
    list_title = "Log of retention"
    list_display = (
        Short("says", "Rule"),
        Column(way, "What"),
        STATUS,
        Column(found, "Result"),
        Count("kept", "Still needed"),
        Moment("requested_at", "Asked for"),
        Moment("finished_at", "Ended"),
        Column("by", "By", empty="The hub, daily"),
    )
    list_select_related = ("by",)
    list_filter = ("dry", "status")
    ordering = ("-id",)
    sortable_by = ()
    list_help = "What each rule has found and deleted, the latest first. It names nobody."
    change_form_template = "privacy/retention/run.html"
    fieldsets = ()
    empty_state = EmptyState(
        icon="auto_delete",
        title="Nothing was looked at yet",
        text="Start a dry run of a rule: what it finds stands here, and what is deleted later.",
        link_text="Retention rules",
        link_view="admin:privacy_retentionrule_changelist",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by")

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            context |= result_of(obj, request.user)
            if obj.rule_id is not None:
                context["rule_url"] = reverse(
                    "admin:privacy_retentionrule_change", args=[obj.rule_id]
                )
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)
