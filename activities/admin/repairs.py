"""Mapped names, corrections and replays in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST
from unfold.contrib.filters.admin import ChoicesRadioFilter, RelatedDropdownFilter

from activities.admin.cause_pages import tabs_for
from activities.admin.permissions import may_replay
from activities.admin.personal_data import hide_emails
from activities.corrections import CORRECTABLE, replacements
from activities.models import Correction, MappedName, RejectedActivity, Replay
from activities.replaying import stop_replay
from adminsite.columns import Badge, Column, Link, Moment, Short, labels_of, seen_by
from adminsite.formatting import badge, change_url, changelist_url
from adminsite.options import EmptyState, HubAdmin, ReadOnlyAdmin
from contacts.admin.permissions import may_see_contacts
from web.doors import title_of

_EVERY = "All"


class InspectorPages:
    """A list among the pages of the inspector."""

    tab = ""
    list_before_template = "activities/inspector/list.html"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        given = {"inspector_tabs": tabs_for(request.user, self.tab), **(extra_context or {})}
        return super().changelist_view(request, given)  # type: ignore[misc]


def channel_of(row: MappedName | Correction) -> str:
    """The channel that it is for."""
    return str(row.channel or _EVERY)


def format_of(row: MappedName | Correction) -> str:
    """The format that it is for."""
    return title_of(row.door) if row.door else _EVERY


def type_of(row: Correction) -> str:
    """The type that it is for."""
    return str(row.type or _EVERY)


_CHANNEL = Column(channel_of, "Channel")
_FORMAT = Column(format_of, "Format")


@admin.register(MappedName)
class MappedNameAdmin(InspectorPages, HubAdmin):
    tab = "Mapped names"
    list_display = (
        "sent",
        Link("type", "Recorded as"),
        _CHANNEL,
        _FORMAT,
        Moment("created_at", "Since"),
    )
    list_filter = (("type", RelatedDropdownFilter), ("channel", RelatedDropdownFilter))
    list_select_related = ("type", "channel")
    list_help = (
        "What senders call a type, and the type that is meant. Activities with such a name are "
        "recorded as that type; of several that fit, the one for a channel counts most."
    )
    ordering = ("sent", "pk")
    sortable_by = ()
    search_fields = ("sent", "type__name", "type__code_name")
    search_help_text = "Name or type"
    fields = ("sent", "type", "channel", "door")
    empty_state = EmptyState(
        icon="swap_horiz",
        title="No mapped names",
        text=(
            "If an application sends a type by another name than yours, map that name to the type: "
            "here, or on the page of the cause in the inspector."
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("type", "channel")


class CorrectionForm(forms.ModelForm):
    """A correction, which has to be one of those that help with its reason."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if "code" in self.fields:
            self.fields["code"].help_text = f"One of {', '.join(CORRECTABLE)}."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        code, action = cleaned.get("code"), cleaned.get("action")
        if code and code not in CORRECTABLE:
            self.add_error("code", "What is refused for this cannot be corrected by field.")
        elif code and action and action not in CORRECTABLE[code]:
            fitting = ", ".join(f"“{one.label}”" for one in CORRECTABLE[code])
            self.add_error("action", f"With this reason only these help: {fitting}.")
        if action == Correction.Action.REPLACE and not replacements(cleaned.get("text") or ""):
            self.add_error("text", "Write a line for each value, such as UK = GBR.")
        return cleaned


@admin.register(Correction)
class CorrectionAdmin(InspectorPages, HubAdmin):
    tab = "Corrections"
    form = CorrectionForm
    list_display = (
        "field",
        Short("code", "Reason code"),
        Column("get_action_display", "What is done"),
        Column(type_of, "Activity type"),
        _CHANNEL,
        _FORMAT,
        "enabled",
    )
    list_filter = (("action", ChoicesRadioFilter), ("channel", RelatedDropdownFilter))
    list_select_related = ("type", "channel")
    list_help = (
        "What is done about a field of activities that would be refused for it. What was corrected "
        "is recorded, and the inspector says so."
    )
    ordering = ("field", "code", "pk")
    sortable_by = ()
    search_fields = ("field", "code")
    search_help_text = "Field or reason code"
    fields = ("code", "field", "action", "text", "type", "channel", "door", "enabled")
    conditional_fields = {"text": "['replace', 'default'].includes(action)"}
    empty_state = EmptyState(
        icon="build",
        title="No corrections",
        text=(
            "If an application sends a field in another way than it has to be, such as a number "
            "with a decimal comma, correct it: here, or on the page of the cause in the inspector."
        ),
    )


def cause(replay: Replay) -> str:
    """What the lines were refused for."""
    return " · ".join(filter(None, (replay.code, replay.field, replay.named)))


def cause_without_emails(replay: Replay) -> str:
    """The same for users who may not see contacts."""
    return hide_emails(cause(replay))


def sender(replay: Replay) -> str:
    """Who sent them."""
    return f"{replay.channel} · {title_of(replay.door)}"


def progress(replay: Replay) -> str:
    """How many of the lines are dealt with."""
    return f"{replay.done:,} of {replay.total:,}"


_STATE = Badge(
    "status",
    labels=labels_of(
        {
            Replay.Status.WAITING: "info",
            Replay.Status.DONE: "good",
            Replay.Status.STOPPED: "neutral",
        }
    ),
)
_CAUSE = Column(cause, may_see=may_see_contacts, instead=Column(cause_without_emails, "Cause"))


@admin.register(Replay)
class ReplayAdmin(InspectorPages, ReadOnlyAdmin):
    tab = "Replays"
    list_display = (
        Moment("requested_at", "Asked for"),
        _CAUSE,
        Column(sender),
        _STATE,
        Column(progress),
        Column("recorded"),
        Column("repeated", "Already there"),
        Column("failed", "Refused again"),
        Column("requested_by", "By"),
    )
    list_filter = (("status", ChoicesRadioFilter), ("channel", RelatedDropdownFilter))
    list_select_related = ("channel", "requested_by")
    ordering = ("-pk",)
    sortable_by = ()
    fieldsets = ((None, {"fields": (_CAUSE, Column(sender))}),)
    change_form_template = "activities/inspector/replay.html"
    empty_state = EmptyState(
        icon="replay",
        title="Nothing was replayed",
        text=(
            "What was refused can be recorded once its cause is mended: on the page of the cause "
            "in the inspector."
        ),
    )

    def get_urls(self):
        def url(route, view, name):
            view = self.admin_site.admin_view(view)
            return path(route, view, name=f"activities_replay_{name}")

        return [
            url("<int:replay_id>/progress/", require_GET(self.progress_view), "progress"),
            url("<int:replay_id>/stop/", require_POST(self.stop_view), "stop"),
            *super().get_urls(),
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        replay = self.get_object(request, object_id)
        context = extra_context or {}
        if replay is not None:
            shown = {"inspector_tabs": tabs_for(request.user, "Replays"), "title": "Replay"}
            context = {**progress_of(request, replay), **shown, **context}
        return super().change_view(request, object_id, form_url, context)

    def progress_view(self, request: HttpRequest, replay_id: int) -> HttpResponse:
        """How far a replay is, which its page shows anew until it is over."""
        context = progress_of(request, self._replay(request, replay_id))
        return TemplateResponse(request, "activities/inspector/progress.html", context)

    def stop_view(self, request: HttpRequest, replay_id: int) -> HttpResponse:
        """Replay no more lines of it."""
        replay = self._replay(request, replay_id)
        if not may_replay(request.user):
            raise PermissionDenied
        if stop_replay(replay):
            self.log_change(request, replay, "Stopped.")
            text = "No more lines are replayed. What was recorded stays."
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, "The replay was over already.", messages.INFO)
        return HttpResponseRedirect(change_url(replay))

    def _replay(self, request: HttpRequest, replay_id: int) -> Replay:
        replay = self.get_object(request, str(replay_id))
        if not self.has_view_permission(request, replay):
            raise PermissionDenied
        if replay is None:
            raise Http404("There is no such replay.")
        return replay


def progress_of(request: HttpRequest, replay: Replay) -> dict[str, Any]:
    """What the page of a replay says about how far it is."""
    of_replay = f"replay={replay.pk}"
    failed = RejectedActivity.objects.filter(replay=replay, replayed="failed")
    reasons: dict[str, int] = {}
    for text in failed.values_list("replay_reason", flat=True)[:_MOST_READ]:
        shown = text if may_see_contacts(request.user) else hide_emails(text)
        reasons[shown] = reasons.get(shown, 0) + 1
    return {
        "replay": replay,
        "replay_cause": seen_by(request.user, [_CAUSE])[0](replay),
        "replay_sender": sender(replay),
        "state": _STATE(replay),
        "is_over": replay.status != Replay.Status.WAITING,
        "progress_url": reverse("admin:activities_replay_progress", args=[replay.pk]),
        "stop_url": reverse("admin:activities_replay_stop", args=[replay.pk]),
        "may_stop": may_replay(request.user),
        "lines_url": changelist_url(RejectedActivity, of_replay),
        "failed_url": changelist_url(RejectedActivity, f"{of_replay}&replayed__exact=failed"),
        "reasons": sorted(reasons.items(), key=lambda item: -item[1])[:_REASONS],
    }


_MOST_READ, _REASONS = 1_000, 10


def replay_badge(line: RejectedActivity) -> object:
    """What became of a line that was replayed."""
    if line.replayed == RejectedActivity.Replayed.NOT:
        return ""
    kinds = {"recorded": "good", "repeated": "info", "failed": "bad"}
    return badge(line.get_replayed_display(), kinds[line.replayed])
