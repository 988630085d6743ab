"""Runs: who is waiting where and until when, and the way of one contact, step by step."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.http import require_POST

from adminsite.columns import Badge, Column, Link, Moment, Short, labels_of, seen_by
from adminsite.formatting import badge, change_url, link, moment
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import user_of
from automations.admin.listing import INSIDE
from automations.admin.permissions import may_change_automations, may_see_emails
from automations.admin.phrases import short_phrase
from automations.admin.run_filters import (
    AutomationFilter,
    StateFilter,
    StepFilter,
    VersionFilter,
)
from automations.control import decide_about_late, stop_run
from automations.flow import Flow, flow_of
from automations.hurrying import go_on_now
from automations.models import Email, Run
from automations.saying import known_by, say_step
from automations.steps import InvalidAutomation, Step, all_steps
from automations.steps.waiting import duration_of
from contacts.admin.naming import ContactColumn, NamingAdmin
from contacts.admin.permissions import may_see_contacts
from contacts.admin.searching import contact_named
from groups.admin.filters import filter_by_group
from groups.names import Known

_KINDS = {
    Run.Status.RUNNING: "info",
    Run.Status.PAUSED: "warning",
    Run.Status.DONE: "good",
    Run.Status.STOPPED: "neutral",
}


def step_of(run: Run) -> Step | None:
    """The step at which a run is, or ended, if its version can be read."""
    flow = _flow(run)
    return flow.step(run.step) if flow else None


def _flow(run: Run) -> Flow | None:
    try:
        return flow_of(run.version_id)
    except InvalidAutomation:
        return None


def where(run: Run) -> str:
    """What the step of a run does, in a few words."""
    step = step_of(run)
    if step is not None:
        return short_phrase(step)
    return run.step and "A step that is gone"


def until(run: Run) -> object:
    """Until when a run waits, or what it waits for."""
    if run.asks:
        return badge("Waits for your decision", "warning")
    if run.status not in INSIDE:
        return ""
    step = step_of(run)
    if step is not None and step.type == "wait" and "rule" in step.members:
        if "at_most" not in step.members:
            return "A rule holds"
        return moment(run.step_since + duration_of(step.members["at_most"]))
    return moment(run.due_at)


def version_number(run: Run) -> int | None:
    """The number of the version that a run is in."""
    flow = _flow(run)
    return flow.number if flow else None


STATUS = Badge("status", labels=labels_of(_KINDS))
_CONTACT = ContactColumn()
_WHERE = Short(where, "Step")
_UNTIL = Column(until, "Until")
_ENTERED = Moment("entered_at", "Entered")
_AUTOMATION = Link("automation")
_ERROR = Short("last_error", "Last error")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin, NamingAdmin):
    names_contacts = ("contact",)
    list_title = "Who is where"
    list_display = (_ENTERED, _CONTACT, _AUTOMATION, _WHERE, _UNTIL, STATUS, _ERROR)
    list_filter = (AutomationFilter, StateFilter, StepFilter, VersionFilter)
    list_select_related = ("contact", "automation")
    search_fields = ("contact",)
    search_help_text = "GUID or email of a contact"
    sortable_by = ()
    change_form_template = "automations/run.html"
    fieldsets = ((None, {"fields": ()}),)
    empty_state = EmptyState(
        icon="directions_walk",
        title="Nobody is on the way",
        text=(
            "As soon as contacts enter an automation, you see here where each of them is and until "
            "when. Switch an automation on, or start it for a contact."
        ),
        link_text="Automations",
        link_view="admin:automations_automation_changelist",
    )

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        contact = contact_named(term, by_email=may_see_contacts(request.user))
        return queryset.none() if contact is None else queryset.filter(contact=contact)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # Each of them is an index.
        return ("-entered_at", "-id") if request.GET.get("automation") else ("-id",)

    def get_urls(self):
        do = path(
            "<int:run_id>/do/<slug:action>/",
            require_POST(self.admin_site.admin_view(self.act_view)),
            name="automations_run_act",
        )
        return [do, *super().get_urls()]

    def act_view(self, request: HttpRequest, run_id: int, action: str) -> HttpResponse:
        """Stop a run, have it go on now, or decide about a step that came too late."""
        if not may_change_automations(request.user) or not self.has_view_permission(request):
            raise PermissionDenied
        run = self.get_object(request, str(run_id))
        if run is None:
            raise Http404("There is no such run.")
        level, text = _act(run, action, str(user_of(request)))
        self.message_user(request, text, level)
        return HttpResponseRedirect(change_url(run))

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        context |= page_of(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


def _act(run: Run, action: str, user: str) -> tuple[int, str]:
    over = messages.INFO, "The run has gone on or ended meanwhile."
    if action == "stop":
        stopped = stop_run(run, f"{user} stopped it.")
        return (messages.SUCCESS, "The contact has left the automation.") if stopped else over
    if action not in ("skip", "go-on"):
        raise Http404("There is no such action.")
    try:
        if action == "skip":
            skipped = decide_about_late([run.pk], skip=True)
            return (messages.SUCCESS, "Skipped.") if skipped else over
        went = go_on_now([run.pk])
    except InvalidAutomation as error:
        return messages.ERROR, f"The steps cannot be read: {error}"
    return (messages.SUCCESS, "The contact goes on in a moment.") if went else over


def page_of(request: HttpRequest, run: Run) -> dict[str, Any]:
    """What the page of a run needs: its way so far, where it is, and its emails."""
    run = Run.objects.select_related("contact", "automation", "by", "broadcast").get(pk=run.pk)
    flow = _flow(run)
    emails = {}
    if may_see_emails(request.user):
        emails = {one.step: one for one in Email.objects.filter(run=run)}
    known = known_by(all_steps(flow.steps)) if flow else Known()
    (contact,) = seen_by(request.user, (_CONTACT,))
    return {
        "run": run,
        "facts": [
            ("Contact", contact(run)),
            ("Automation", link(change_url(run.automation), run.automation)),
            ("Version", version_number(run)),
            ("State", STATUS(run)),
            ("Entered", moment(run.entered_at, seconds=True)),
            ("By", f"{run.get_cause_display()}{f', {run.by}' if run.by else ''}"),
            *([("Ended", moment(run.finished_at, seconds=True))] if run.finished_at else []),
        ],
        "way": [
            (passage, _said(flow, passage.step, known), emails.get(passage.step))
            for passage in run.passages.order_by("at", "id")
        ],
        "is_inside": run.status in INSIDE,
        "where": _said(flow, run.step, known) if run.step else "",
        "until": until(run),
        "may_act": may_change_automations(request.user),
    }


def _said(flow: Flow | None, key: str, known: Known) -> str:
    step = flow.step(key) if flow else None
    return say_step(step, known) if step else "A step of another version"


filter_by_group(Run)
