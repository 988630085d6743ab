"""Bulk actions in the admin: the form that asks for one, and how far it is."""

from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from adminsite.columns import Badge, Column, Moment, Short, labels_of
from adminsite.formatting import change_url, changelist_url
from adminsite.listed import NotListed, rows_listed
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import AnyUser, user_of
from adminsite.words import narrowing, say_filters
from jobs.acting import ask_for_bulk_action, cancel
from jobs.bulk import BulkKind, kind_named, kinds_denied, lists_with_kinds, may_ask_for_any
from jobs.models import BulkAction
from jobs.permissions import may_see_work

_KINDS = {
    BulkAction.Status.WAITING: "info",
    BulkAction.Status.DONE: "good",
    BulkAction.Status.CANCELLED: "neutral",
    BulkAction.Status.STOPPED: "bad",
}
_STATUS = Badge("status", "State", labels=labels_of(_KINDS))


def may_see_bulk_actions(user: AnyUser) -> bool:
    """Whether this user has a list of bulk actions: their own, or what others asked for, too."""
    return may_see_work(user) or may_ask_for_any(user)


def per_cent_of(action: BulkAction) -> int:
    """How far it is, by the ids of rows."""
    return 100 if action.finished_at else min(100 * action.last_row // max(action.end, 1), 99)


def progress(action: BulkAction) -> str:
    """How many rows it has come to."""
    return f"{action.found:,}"


@admin.register(BulkAction)
class BulkActionAdmin(ReadOnlyAdmin):
    list_display = (
        Short("says", "What"),
        Short("filters", "For"),
        _STATUS,
        Column(progress, "Rows"),
        Column("by", "Asked for by"),
        Moment("requested_at", "Asked for"),
    )
    list_select_related = ("by",)
    list_filter = ("status",)
    ordering = ("-id",)
    sortable_by = ()
    list_help = "What was asked for all rows that the filters of a list found, the latest first."
    change_form_template = "jobs/bulk_action.html"
    fieldsets = ()
    empty_state = EmptyState(
        icon="playlist_add_check",
        title="No bulk actions yet",
        text=(
            "Filter a list, such as that of contacts, and choose “With all that were found” above "
            "it. What a worker does with them, and how far it is, stands here."
        ),
    )

    def get_urls(self) -> list:
        def url(route: str, view: Any, name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"jobs_bulkaction_{name}")

        start = require_http_methods(["GET", "POST"])(self.start_view)
        return [
            url("start/<str:label>/<slug:kind>/", start, "start"),
            url("<int:action_id>/progress/", require_GET(self.progress_view), "progress"),
            url("<int:action_id>/cancel/", require_POST(self.cancel_view), "cancel"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        # What a list was filtered by may tell who is on it.
        seen = [
            model
            for model in lists_with_kinds()
            if self.admin_site.get_model_admin(model).has_view_permission(request)
        ]
        labels = [model._meta.label_lower for model in seen]
        rows = super().get_queryset(request).select_related("by").filter(list_of__in=labels)
        shown = Q(by=request.user.pk)
        if may_see_work(request.user):
            # Of others what the user may do as well: who sees one may cancel it.
            for model in seen:
                denied = kinds_denied(model, request.user)
                shown |= Q(list_of=model._meta.label_lower) & ~Q(kind__in=denied)
        return rows.filter(shown)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_bulk_actions(request.user)

    def has_view_permission(self, request: HttpRequest, obj: BulkAction | None = None) -> bool:
        return may_see_bulk_actions(request.user)

    def start_view(self, request: HttpRequest, label: str, kind: str) -> HttpResponse:
        """The form that asks for a bulk action, and what it asks for."""
        model, asked = _asked_for(label, kind)
        user = user_of(request)
        if not asked.may(user):
            raise PermissionDenied
        query = narrowing(QueryDict(request.META.get("QUERY_STRING", "")))
        try:
            listed = rows_listed(model, user, query)
        except NotListed as error:
            raise PermissionDenied(str(error)) from None
        filters = " · ".join(said.text for said in say_filters(listed))
        form = asked.form(request.POST or None, user=user) if asked.form else None  # type: ignore[call-arg]
        if request.method == "POST" and (form is None or form.is_valid()):
            options = asked.options(form.cleaned_data) if form else {}
            try:
                action = ask_for_bulk_action(
                    model, asked, query=query, filters=filters, options=options, by=user
                )
            except ValidationError as error:
                self.message_user(request, " ".join(error.messages), messages.ERROR)
            else:
                return HttpResponseRedirect(change_url(action))
        return self._form_page(request, model, asked, query, filters, form)

    def _form_page(
        self,
        request: HttpRequest,
        model: type[Model],
        kind: BulkKind,
        query: str,
        filters: str,
        form: forms.Form | None,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": kind.title,
            "opts": model._meta,
            "rows": capfirst(str(model._meta.verbose_name_plural)),
            "filters": filters,
            "form": form,
            "back_url": changelist_url(model, query),
            "is_filtered": bool(query),
        }
        return TemplateResponse(request, "jobs/start_bulk_action.html", context)

    def progress_view(self, request: HttpRequest, action_id: int) -> HttpResponse:
        """How far an action is, which its page shows anew until it is over."""
        action = self._action(request, action_id)
        return TemplateResponse(request, "jobs/progress.html", _progress_of(action))

    def cancel_view(self, request: HttpRequest, action_id: int) -> HttpResponse:
        """Do nothing further."""
        action = self._action(request, action_id)
        if cancel(action):
            text = "Cancelled. What was done by then stays."
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, "It was over already.", messages.INFO)
        return HttpResponseRedirect(change_url(action))

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            context |= _progress_of(obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def _action(self, request: HttpRequest, action_id: int) -> BulkAction:
        if not self.has_view_permission(request):
            raise PermissionDenied
        action = self.get_queryset(request).filter(pk=action_id).first()
        if action is None:
            raise Http404("There is no such bulk action.")
        return action


def _asked_for(label: str, name: str) -> tuple[type[Model], BulkKind]:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        raise Http404("There is no such list.") from None
    kind = kind_named(model, name)
    if kind is None:
        raise Http404("There is no such action.")
    return model, kind


def _progress_of(action: BulkAction) -> dict[str, Any]:
    model: Any = apps.get_model(action.list_of)
    kind = kind_named(model, action.kind)
    page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    return {
        "action": action,
        "state": _STATUS(action),
        "is_over": action.finished_at is not None,
        "changed": capfirst(kind.changed if kind else "changed"),
        "per_cent": per_cent_of(action),
        "failures": [
            {"url": reverse(page, args=[row]), "row": f"#{row}", "reason": reason}
            for row, reason in action.failures
        ],
        "progress_url": reverse("admin:jobs_bulkaction_progress", args=[action.pk]),
        "cancel_url": reverse("admin:jobs_bulkaction_cancel", args=[action.pk]),
        "list_url": changelist_url(model, action.query),
    }


register_item(
    SidebarItem(
        group="People",
        position=90,
        title="Bulk actions",
        icon="playlist_add_check",
        view="admin:jobs_bulkaction_changelist",
        may_see=may_see_bulk_actions,
    )
)
