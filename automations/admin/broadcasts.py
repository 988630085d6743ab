"""Broadcasts: an automation is started for many contacts at once, and how far that is."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_GET, require_POST
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget

from adminsite.careful import CarefulAdmin
from adminsite.columns import Badge, Column, Link, Moment, Short, labels_of
from adminsite.counting import COUNTED, CountOf, say_count
from adminsite.formatting import badge, change_url
from adminsite.navigation import ListLink, SidebarItem, register_item, register_list_link
from adminsite.options import EmptyState
from adminsite.permissions import user_of
from automations.admin.permissions import (
    may_add_broadcasts,
    may_change_broadcasts,
    may_draw_automations,
    may_see_broadcasts,
)
from automations.admin.phrases import sentence_of
from automations.broadcasting import (
    approve_broadcast,
    everybody_in,
    request_broadcast,
    stop_broadcast,
)
from automations.emails.saving import templates_in, transactional_in
from automations.looked_at import changes_since_approval, mark_of
from automations.models import Automation, Broadcast, Template
from contacts.models import Contact
from database.letter_case import fold
from groups.admin.forms import RuleField, said
from groups.admin.from_lists import form_with_filter, tell_remarks, translate
from groups.admin.offers import offers
from groups.admin.telling import check_may_save
from groups.models import ContactGroup, Membership, rule_for_everybody
from groups.rules import InvalidRule, parse

_ADD_VIEW = "admin:automations_broadcast_add"
_KINDS = {
    Broadcast.Status.WAITING: "info",
    Broadcast.Status.UNAPPROVED: "warning",
    Broadcast.Status.DONE: "good",
    Broadcast.Status.STOPPED: "neutral",
}
_LONGEST_AUDIENCE = 250
_NOTHING_IS_LEFT = (
    "Nothing is left of the filter. Add all that it finds to a list (a static group) and choose "
    "that here, or let a rule decide."
)

register_list_link(
    Contact,
    ListLink(
        "Start an automation for these contacts",
        "campaign",
        may_add_broadcasts,
        form_with_filter("contacts", _ADD_VIEW),
        for_all_found=True,
    ),
)
register_item(
    SidebarItem(
        group="Automations",
        position=20,
        title="Broadcasts",
        icon="campaign",
        view="admin:automations_broadcast_changelist",
        may_see=may_see_broadcasts,
    )
)


class GroupField(forms.ModelChoiceField):
    """A group that has members, with how many."""

    def __init__(self, **kwargs: Any):
        members = Membership.objects.filter(group=OuterRef("pk")).order_by().values("pk")
        groups = ContactGroup.objects.with_members().order_by(Lower("name"))
        counted = groups.annotate(counted=CountOf(members[: COUNTED + 1]))
        super().__init__(counted, **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        count = say_count(obj.counted, COUNTED)
        return f"{obj.name} ({count} contact{'' if obj.counted == 1 else 's'})"


class AutomationField(forms.ModelChoiceField):
    """An automation that contacts can enter, with whether it asks them for their agreement."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.queryset = Automation.objects.filter(archived_at=None).order_by(Lower("name"))

    @cached_property
    def _transactional(self) -> set[str]:
        names = Template.objects.filter(consent=None).values_list("code_name", flat=True)
        return set(map(fold, names))

    def label_from_instance(self, obj: Any) -> str:
        if self._transactional.isdisjoint(map(fold, templates_in(obj.steps))):
            return obj.name
        return f"{obj.name} (sends a transactional email)"


class BroadcastForm(forms.ModelForm):
    """For whom an automation is started, from when on, and how fast."""

    who = forms.ChoiceField(
        label="For whom",
        choices=[("group", "The members of a group"), ("rule", "Contacts for whom a rule holds")],
        initial="group",
        widget=UnfoldAdminRadioSelectWidget,
    )
    group = GroupField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Its members at the time when the broadcast comes to them.",
    )
    rule = RuleField(required=False, initial=rule_for_everybody)

    # Why the broadcast was refused after the form had found nothing.
    refused: InvalidRule | ValidationError | None = None

    class Meta:
        model = Broadcast
        fields = ("automation", "starts_at", "per_minute", "who", "group", "rule")
        field_classes = {"automation": AutomationField}
        help_texts = {
            "automation": "A transactional email asks for no agreement and has no link to "
            "unsubscribe: it is for those who have asked for what is in it."
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if isinstance(self.refused, InvalidRule):
            self.add_error("rule", said(self.refused))
        elif self.refused is not None:
            self.add_error(None, self.refused.messages)
        if cleaned.get("who") == "group" and not cleaned.get("group"):
            self.add_error("group", "Choose a group, or let a rule decide.")
        per_minute = cleaned.get("per_minute")
        if per_minute is not None and per_minute < 1:
            self.add_error("per_minute", "Give 1 contact a minute or more, or leave it empty.")
        return cleaned

    def audience(self) -> tuple[dict[str, Any], str]:
        """The rule for the contacts, and what they are called."""
        if self.cleaned_data["who"] == "group":
            group = self.cleaned_data["group"]
            return everybody_in(group), group.name
        rule = self.cleaned_data["rule"]
        return rule, sentence_of(rule, of_run=False)[:_LONGEST_AUDIENCE]


def reached(broadcast: Broadcast) -> str:
    """How many contacts it has come to, of how many."""
    total = "" if broadcast.total is None else f" of {broadcast.total:,}"
    return f"{broadcast.reached:,}{total}"


_STATUS = Badge("status", labels=labels_of(_KINDS))


def state_of(broadcast: Broadcast) -> object:
    """How a broadcast is doing; if it waits for its automation, why."""
    automation = broadcast.automation
    if broadcast.status == Broadcast.Status.WAITING and not automation.enabled:
        return badge("Waits: the automation is off", "warning")
    if broadcast.status == Broadcast.Status.WAITING and automation.paused_at:
        return badge("Contacts wait: the automation is paused", "warning")
    return _STATUS(broadcast)


@admin.register(Broadcast)
class BroadcastAdmin(CarefulAdmin):
    refusals = (InvalidRule, ValidationError)
    form = BroadcastForm
    list_display = (
        Short("audience", "For"),
        Link("automation"),
        Column(state_of, "State"),
        Moment("starts_at", "Starts"),
        Column(reached, "Reached"),
        Column("requested_by", "Asked for by"),
    )
    list_filter = ("status",)
    list_select_related = ("automation", "requested_by")
    ordering = ("-id",)
    search_fields = ("audience", "automation__name")
    search_help_text = "Whom it is for, or the automation"
    sortable_by = ()
    warn_unsaved_form = False
    change_form_template = "automations/broadcast.html"
    fields = ("automation", "starts_at", "per_minute", "who", "group", "rule")
    conditional_fields = {"group": "who == 'group'", "rule": "who == 'rule'"}
    empty_state = EmptyState(
        icon="campaign",
        title="No broadcasts yet",
        text=(
            "A broadcast starts an automation for everybody in a group, or for whom a rule finds: "
            "at once or later, and as fast as you like. Add one, or choose “Start an automation "
            "for these contacts” above a filtered list of contacts."
        ),
        link_text="Contacts",
        link_view="admin:contacts_contact_changelist",
    )

    def get_urls(self):
        def url(route, view, name):
            view = self.admin_site.admin_view(view)
            return path(route, view, name=f"automations_broadcast_{name}")

        return [
            url("<int:broadcast_id>/progress/", require_GET(self.progress_view), "progress"),
            url("<int:broadcast_id>/do/<slug:action>/", require_POST(self.act_view), "act"),
            *super().get_urls(),
        ]

    def has_change_permission(self, request: HttpRequest, obj: Broadcast | None = None) -> bool:
        # It is stopped or approved, and never edited.
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Broadcast | None = None) -> bool:
        return False

    def progress_view(self, request: HttpRequest, broadcast_id: int) -> HttpResponse:
        """How far a broadcast is, which its page shows anew until it is over."""
        broadcast = self._broadcast(request, broadcast_id)
        return TemplateResponse(request, "automations/progress.html", progress_of(broadcast))

    def act_view(self, request: HttpRequest, broadcast_id: int, action: str) -> HttpResponse:
        """Stop a broadcast, or approve of it."""
        broadcast = self._broadcast(request, broadcast_id)
        if not may_change_broadcasts(request.user):
            raise PermissionDenied
        looked_at = request.POST.get("looked_at", "")
        level, text = act(broadcast, action, user_of(request), looked_at)
        self.message_user(request, text, level)
        return HttpResponseRedirect(change_url(broadcast))

    def _broadcast(self, request: HttpRequest, broadcast_id: int) -> Broadcast:
        broadcast = self.get_object(request, str(broadcast_id))
        if not self.has_view_permission(request, broadcast):
            raise PermissionDenied
        if broadcast is None:
            raise Http404("There is no such broadcast.")
        return broadcast

    def get_changeform_initial_data(self, request: HttpRequest) -> dict:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        translated = translate(request.GET)
        if translated is None:
            return initial
        # Nobody starts for everybody what was to be for those of a filter.
        return {"who": "group" if translated.is_left_out else "rule", "rule": translated.rule}

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            context |= progress_of(obj)
            context["may_act"] = may_change_broadcasts(request.user)
            context["says"] = sentence_of(obj.rule, of_run=False)
            context["looked_at"] = mark_of(obj)
            if not obj.finished_at:
                context["transactional"] = transactional_in(obj.automation.steps)
            return super().render_change_form(request, context, *args, obj=obj, **kwargs)
        tell_remarks(request, if_nothing_is_left=_NOTHING_IS_LEFT)
        context["approval_from"] = settings.AUTOMATION_APPROVAL_FROM
        widget = context["adminform"].form.fields["rule"].widget
        widget.offers = offers()
        if may_draw_automations(request.user):
            widget.preview_url = reverse("admin:automations_automation_rule")
            widget.suggest_url = reverse("admin:automations_automation_suggest")
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request, obj, form, change):
        rule, audience = form.audience()
        if form.cleaned_data["who"] == "rule":
            check_may_save(request.user, parse(rule))
        made = request_broadcast(
            obj.automation,
            rule=rule,
            audience=audience,
            by=user_of(request),
            starts_at=obj.starts_at,
            per_minute=obj.per_minute,
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    def response_post_save_add(self, request, obj):
        return HttpResponseRedirect(change_url(obj))


def act(broadcast: Broadcast, action: str, by: User, looked_at: str) -> tuple[int, str]:
    """Do what a button says, on a page that showed `looked_at`; a message and its level."""
    try:
        if action == "stop":
            stop_broadcast(broadcast)
            return messages.SUCCESS, "Nobody else enters by this broadcast."
        if action == "stop-runs":
            stop_broadcast(broadcast, runs=True)
            return messages.SUCCESS, (
                "Nobody else enters by this broadcast, and those who have entered stop where they "
                "are. Emails that were not sent yet are held back."
            )
        if action == "approve":
            approve_broadcast(broadcast, by=by, looked_at=looked_at)
            return messages.SUCCESS, "Approved."
    except ValidationError as error:
        return messages.ERROR, " ".join(error.messages)
    raise Http404("There is no such action.")


def progress_of(broadcast: Broadcast) -> dict[str, Any]:
    """How far a broadcast is."""
    is_unapproved = broadcast.status == Broadcast.Status.UNAPPROVED
    return {
        "broadcast": broadcast,
        "state": state_of(broadcast),
        "is_over": broadcast.finished_at is not None,
        "changes": changes_since_approval(broadcast) if is_unapproved else [],
        "waits_for_automation": not broadcast.automation.enabled and not broadcast.finished_at,
        "most": max(broadcast.total or 0, broadcast.reached, 1),
        "progress_url": reverse("admin:automations_broadcast_progress", args=[broadcast.pk]),
    }
