"""Retention rules: the list, the form, and the page on which a rule is tried and switched on."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from activities.models import ActivityType
from adminsite.columns import Column, Moment
from adminsite.formatting import badge, change_url, changelist_url
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, StayingAdmin
from jobs.models import Chore
from privacy.admin.permissions import may_add_retention, may_change_retention, may_see_retention
from privacy.admin.runs import STATUS, found, result_of, way
from privacy.models import RetentionRule, RetentionRun
from privacy.models.retention import LONGEST_DAYS
from privacy.retention.kept import everything_kept
from privacy.retention.rules import (
    CHORE,
    PROPOSALS,
    TRIAL_COUNTS_FOR,
    Proposal,
    cancel,
    change_days,
    needs_two,
    start,
    switch_off,
    switch_on,
    trial_of,
)
from privacy.retention.words import days_of, months_of, sentence

_RUNS_SHOWN = 10
_UNITS = (("months", "months"), ("days", "days"))


class RuleForm(forms.ModelForm):
    """A rule, whose time is entered as people say it."""

    amount = forms.IntegerField(
        label="Kept for",
        min_value=1,
        max_value=LONGEST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="What is older goes, once the rule is on. To change it switches the rule off.",
    )
    unit = forms.ChoiceField(
        label="Unit",
        choices=_UNITS,
        widget=UnfoldAdminSelectWidget,
        help_text="Twelve months are a year of 365 days.",
    )

    class Meta:
        model = RetentionRule
        fields = ("kind", "activity_type")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        days = self.instance.days
        # As the sentence of the rule says it: 30 days are no month.
        months = (months_of(days) if days != days_of(1) else None) if days else 13
        self.fields["amount"].initial = months or days
        self.fields["unit"].initial = "months" if months else "days"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("kind", self.instance.kind)
        if kind != RetentionRule.Kind.ACTIVITIES and cleaned.get("activity_type"):
            self.add_error("activity_type", "Only a rule for activities has a type.")
        if (amount := cleaned.get("amount")) is not None and "unit" in cleaned:
            days = days_of(amount) if cleaned["unit"] == "months" else amount
            if days > LONGEST_DAYS:
                self.add_error("amount", f"Choose {LONGEST_DAYS:,} days (100 years) at most.")
            else:
                cleaned["days"] = days
                if self.instance.pk is None:
                    self.instance.days = days
        return cleaned


def state(rule: RetentionRule) -> str:
    """Whether it deletes."""
    if rule.enabled:
        return badge("On", "good")
    return badge("Waits for a second user", "warning") if rule.asked_by_id else badge("Off")


def _said(rule: RetentionRule) -> str:
    return str(rule)


def last_deleted(rule: Any) -> str:
    """What the last run has deleted."""
    return "" if rule.last_deleted is None else f"{rule.last_deleted:,}"


def would_delete(rule: Any) -> str:
    """What the last dry run has found."""
    return "" if rule.last_found is None else f"{rule.last_found:,}"


def with_runs(rules: QuerySet[RetentionRule]) -> QuerySet[RetentionRule]:
    """The rules with what their last run has deleted, and their last dry run found."""
    runs = RetentionRun.objects.filter(rule=OuterRef("pk"), finished_at__isnull=False)
    newest = runs.order_by("-pk")
    real, dry = newest.filter(dry=False), newest.filter(dry=True, status="done")
    return rules.select_related("activity_type").annotate(
        last_at=Subquery(real.values("finished_at")[:1]),
        last_deleted=Subquery(real.values("deleted")[:1]),
        last_found=Subquery(dry.values("found")[:1]),
    )


@admin.register(RetentionRule)
class RetentionRuleAdmin(StayingAdmin):
    form = RuleForm
    list_title = "Retention"
    list_display = (
        Column(_said, "Rule"),
        Column(state, "State"),
        Column(would_delete, "Found by the last dry run"),
        Moment("last_at", "Last run"),
        Column(last_deleted, "Deleted then"),
    )
    ordering = ("kind", "pk")
    sortable_by = ()
    fields = ("kind", "activity_type", "amount", "unit")
    list_before_template = "privacy/retention/list.html"
    list_after_template = "privacy/retention/kept.html"
    change_form_template = "privacy/retention/rule.html"
    empty_state = EmptyState(
        icon="auto_delete",
        title="Everything is kept for ever",
        text=(
            "A rule says how long activities of a type are kept, or contacts of whom nothing is "
            "known, or who did nothing for long. Add one of the usual rules above, or your own. It "
            "deletes nothing before you have seen what it would delete, and switched it on."
        ),
    )

    def get_urls(self) -> list:
        def url(route: str, view: Any, name: str) -> Any:
            view = self.admin_site.admin_view(view)
            return path(route, view, name=f"privacy_retentionrule_{name}")

        return [
            url("propose/", require_POST(self.propose_view), "propose"),
            url("<int:rule_id>/head/", require_GET(self.head_view), "head"),
            url("<int:rule_id>/act/<slug:action>/", require_POST(self.act_view), "act"),
            *super().get_urls(),
        ]

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return with_runs(queryset)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super().get_queryset(request).select_related("activity_type", "asked_by", "enabled_by")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: RetentionRule | None = None) -> tuple:
        return () if obj is None else ("kind", "activity_type")

    def get_fields(self, request: HttpRequest, obj: RetentionRule | None = None) -> tuple:
        if obj is None or self.has_change_permission(request, obj):
            return self.fields
        return ("kind", "activity_type", "days")

    def changelist_view(self, request, extra_context=None):
        context = {
            "proposals": _missing() if may_add_retention(request.user) else [],
            "kept": everything_kept(),
            **_daily(),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def save_model(self, request, obj, form, change):
        if not change:
            super().save_model(request, obj, form, change)
        elif form.cleaned_data["days"] != obj.days and change_days(obj, form.cleaned_data["days"]):
            text = "The rule is off now: start a dry run, and switch it on again."
            self.message_user(request, text, messages.WARNING)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            context |= head_of(obj, request)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def head_view(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """How a rule is doing, which its page shows anew while a run goes on."""
        if not may_see_retention(request.user):
            raise PermissionDenied
        rule = self._rule(request, rule_id)
        return TemplateResponse(request, "privacy/retention/head.html", head_of(rule, request))

    def propose_view(self, request: HttpRequest) -> HttpResponse:
        """Make one of the usual rules, which is off."""
        if not may_add_retention(request.user):
            raise PermissionDenied
        number = request.POST.get("rule", "")
        chosen = [one for one in _missing() if str(one["number"]) == number]
        if not chosen:
            text = "There is such a rule by now."
            self.message_user(request, text, messages.INFO)
            return HttpResponseRedirect(changelist_url(RetentionRule))
        rule = RetentionRule(
            kind=chosen[0]["kind"], activity_type=chosen[0]["type"], days=chosen[0]["days"]
        )
        try:
            rule.full_clean()
            rule.save()
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return HttpResponseRedirect(changelist_url(RetentionRule))
        self.message_user(request, "Now see what it would delete.", messages.SUCCESS)
        return HttpResponseRedirect(change_url(rule))

    def act_view(self, request: HttpRequest, rule_id: int, action: str) -> HttpResponse:
        """Try a rule, switch it on or off, start it, or cancel the run that goes on."""
        if not may_change_retention(request.user):
            raise PermissionDenied
        act = _ACTS.get(action)
        if act is None:
            raise Http404("There is no such action.")
        rule = self._rule(request, rule_id)
        assert isinstance(request.user, User)  # the admin lets no other in
        try:
            text = act(rule, request.user, request)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
        else:
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(change_url(rule))

    def _rule(self, request: HttpRequest, rule_id: int) -> RetentionRule:
        rule = self.get_queryset(request).filter(pk=rule_id).first()
        if rule is None:
            raise Http404("There is no such rule.")
        return rule


def head_of(rule: RetentionRule, request: HttpRequest) -> dict[str, Any]:
    """How a rule is doing, what its last dry run found, and what can be done with it."""
    runs = list(
        RetentionRun.objects.filter(rule=rule).select_related("by").order_by("-pk")[:_RUNS_SHOWN]
    )
    going = next((run for run in runs if run.finished_at is None), None)
    trial = trial_of(rule)
    shown = going or next((run for run in runs if run.dry), None) or (runs[0] if runs else None)
    return {
        "rule": rule,
        "rule_state": state(rule),
        "going": going,
        "trial": trial,
        "trial_days": TRIAL_COUNTS_FOR.days,
        "is_own": needs_two(rule) and rule.asked_by_id == request.user.pk,
        "may_act": may_change_retention(request.user),
        "runs": [(run, way(run), STATUS(run), found(run), change_url(run)) for run in runs],
        "log_url": changelist_url(RetentionRun),
        "head_url": reverse("admin:privacy_retentionrule_head", args=[rule.pk]),
        "acts": {
            name.replace("-", "_"): reverse("admin:privacy_retentionrule_act", args=[rule.pk, name])
            for name in _ACTS
        },
        **result_of(shown, request.user),
        **_daily(),
    }


def _daily() -> dict[str, Any]:
    """When rules that are on delete next."""
    chore = Chore.objects.filter(name=CHORE).first()
    return {"next_at": chore.due_at if chore else None}


def _missing() -> list[dict[str, Any]]:
    """The usual rules that are not there."""
    types = _types_of(PROPOSALS)
    known = set(RetentionRule.objects.values_list("kind", "activity_type"))
    found = []
    # From 1: the button component leaves out a value that is 0.
    for number, one in enumerate(PROPOSALS, start=1):
        activity_type = types.get(one.code_name)
        key = activity_type.pk if activity_type else None
        if (one.code_name and activity_type is None) or (one.kind, key) in known:
            continue
        name = activity_type.name if activity_type else None
        said = sentence(one.kind, one.days, name)
        found.append(
            {
                "number": number,
                "kind": one.kind,
                "type": activity_type,
                "days": one.days,
                "says": said,
                "why": one.why,
            }
        )
    return found


def _types_of(proposals: tuple[Proposal, ...]) -> dict[str, ActivityType]:
    names = [one.code_name for one in proposals if one.code_name]
    return {one.code_name: one for one in ActivityType.objects.filter(code_name__in=names)}


def _dry_run(rule: RetentionRule, user: User, request: HttpRequest) -> str:
    if start(rule, dry=True, by=user) is None:
        return "A run goes on already."
    return "A worker counts what this rule would delete."


def _on(rule: RetentionRule, user: User, request: HttpRequest) -> str:
    if switch_on(rule, user, most=request.POST.get("most") == "1"):
        return "The rule is on. It deletes once a day."
    return "The rule is off until another user approves. Tell a colleague."


def _off(rule: RetentionRule, user: User, request: HttpRequest) -> str:
    switch_off(rule)
    return "The rule is off: it deletes nothing more."


def _now(rule: RetentionRule, user: User, request: HttpRequest) -> str:
    if start(rule, dry=False, by=user) is None:
        return "A run goes on already."
    return "A worker deletes what is too old."


def _cancel(rule: RetentionRule, user: User, request: HttpRequest) -> str:
    going = RetentionRun.objects.filter(rule=rule, finished_at=None).first()
    if going is None or not cancel(going):
        return "It was over already."
    return "Cancelled. What was deleted by then is gone."


_ACTS = {"dry-run": _dry_run, "on": _on, "off": _off, "now": _now, "cancel": _cancel}

register_item(
    SidebarItem(
        group="Privacy",
        position=50,
        title="Retention",
        icon="auto_delete",
        view="admin:privacy_retentionrule_changelist",
        may_see=may_see_retention,
    )
)
