"""Exports in the admin: the form that asks for one, how far it is, its file, and the log of all."""

from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Case, F, Model, QuerySet, TextField, Value, When
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst, slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from adminsite.audit import note
from adminsite.columns import Badge, Column, Count, Moment, Short, labels_of
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import change_url, changelist_url
from adminsite.listed import NotListed, rows_listed
from adminsite.navigation import (
    ListLink,
    SidebarItem,
    register_item,
    register_link_of_every_list,
)
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import user_of
from adminsite.words import narrowing, say_filters
from exchange.admin.export_forms import ExportForm, say_number
from exchange.exporting.files import ELSEWHERE, file_of
from exchange.exporting.forgetting import BY_USER, delete_file
from exchange.exporting.formats import headers_of
from exchange.exporting.making import ask_for_export, cancel
from exchange.exporting.permission import (
    may_export,
    may_export_list,
    may_see_all_exports,
    may_see_exports,
    why_not_taken,
)
from exchange.exporting.sources import can_be_exported, fields_for
from exchange.models import Export

_Status = Export.Status
_STATUS = Badge(
    "status",
    "State",
    labels=labels_of(
        {
            _Status.WAITING: "info",
            _Status.DONE: "good",
            _Status.CANCELLED: "neutral",
            _Status.STOPPED: "bad",
            _Status.DELETED: "neutral",
        }
    ),
)
_NOT_SHOWN = "Not shown: you do not see this list"
_CONTENT_TYPES = {
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Export.Format.NDJSON: "application/x-ndjson",
    Export.Format.PARQUET: "application/vnd.apache.parquet",
}


def what(export: Export) -> str:
    """What it is of, and its format."""
    return f"{capfirst(export.rows_name)} as {export.get_format_display()}"


def per_cent_of(export: Export) -> int:
    """How far it is, by the ids of rows."""
    if export.finished_at:
        return 100
    return 99 if export.gathered_at else min(100 * export.last_row // max(export.end, 1), 98)


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = (
        Short(what, "What"),
        Short("shown_filters", "Filter"),
        _STATUS,
        Count("found", "Rows"),
        Column("by_name", "Asked for by"),
        Moment("requested_at", "Asked for"),
        Count("downloads"),
    )
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("format", ChoicesDropdownFilter),
        ("requested_at", TimeRangeFilter),
    )
    ordering = ("-id",)
    sortable_by = ()
    list_help = (
        "Who had a file made of which list, and took it. The files are deleted after a while; what "
        "stands here stays."
    )
    change_form_template = "exchange/export.html"
    fieldsets = ()
    empty_state = EmptyState(
        icon="download",
        title="No exports yet",
        text=(
            "Filter a list, such as that of activities, and choose “Export” above it. Your files, "
            "and how far they are, stand here."
        ),
        # All who may export may see these.
        link_text="Go to the activities",
        link_view="admin:activities_activity_changelist",
    )

    def get_urls(self) -> list:
        def url(route: str, view: Any, name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"exchange_export_{name}")

        start = require_http_methods(["GET", "POST"])(self.start_view)
        return [
            url("start/<str:label>/", start, "start"),
            url("<int:export_id>/progress/", require_GET(self.progress_view), "progress"),
            url("<int:export_id>/cancel/", require_POST(self.cancel_view), "cancel"),
            # It counts, and stands in the audit log: a browser does not do it by itself.
            url("<int:export_id>/download/", require_POST(self.download_view), "download"),
            url("<int:export_id>/remove/", require_POST(self.remove_view), "remove"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        # What a list was filtered by may tell who is on it.
        seen = [
            model._meta.label_lower
            for model, model_admin in self.admin_site._registry.items()
            if model_admin.has_view_permission(request)
        ]
        shown = Case(
            When(list_of__in=seen, then=F("filters")),
            When(filters="", then=Value("")),
            default=Value(_NOT_SHOWN),
            output_field=TextField(),
        )
        rows = super().get_queryset(request).annotate(shown_filters=shown)
        if may_see_all_exports(request.user):
            return rows
        return rows.filter(by=request.user.pk)

    def start_view(self, request: HttpRequest, label: str) -> HttpResponse:
        """The form that asks for an export, and what it asks for."""
        model, user = _model_named(label), user_of(request)
        if not may_export_list(user, model):
            raise PermissionDenied
        query = narrowing(QueryDict(request.META.get("QUERY_STRING", "")))
        try:
            listed = rows_listed(model, user, query)
        except NotListed as error:
            raise PermissionDenied(str(error)) from None
        filters = " · ".join(said.text for said in say_filters(listed))
        fields = fields_for(model, user, query)
        form = ExportForm(request.POST or None, fields_of_list=fields)
        if request.method == "POST" and form.is_valid():
            try:
                export = ask_for_export(
                    model,
                    query=query,
                    filters=filters,
                    form=form.cleaned_data["format"],
                    columns=form.chosen,
                    options=form.options,
                    by=user,
                )
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return HttpResponseRedirect(change_url(export))
        model_admin: Any = self.admin_site.get_model_admin(model)
        context = {
            **self.admin_site.each_context(request),
            "title": "Export",
            "opts": model._meta,
            "list_title": model_admin.list_title or capfirst(str(model._meta.verbose_name_plural)),
            "filters": filters,
            "number": say_number(listed, request),
            "form": form,
            "back_url": changelist_url(model, query),
        }
        return TemplateResponse(request, "exchange/start_export.html", context)

    def progress_view(self, request: HttpRequest, export_id: int) -> HttpResponse:
        """How far an export is, which its page shows anew until it is over."""
        export = self._export(request, export_id)
        return TemplateResponse(request, "exchange/export_progress.html", _page_of(export, request))

    def cancel_view(self, request: HttpRequest, export_id: int) -> HttpResponse:
        """Make it no further."""
        export = self._export(request, export_id)
        if cancel(export):
            self.message_user(request, "Cancelled. There is no file.", messages.SUCCESS)
        else:
            self.message_user(request, "It was over already.", messages.INFO)
        return HttpResponseRedirect(change_url(export))

    def remove_view(self, request: HttpRequest, export_id: int) -> HttpResponse:
        """Delete the file before its time."""
        export = self._export(request, export_id)
        if delete_file(export, BY_USER):
            self.message_user(request, "The file is deleted.", messages.SUCCESS)
        else:
            self.message_user(request, "There is no file any more.", messages.INFO)
        return HttpResponseRedirect(change_url(export))

    def download_view(self, request: HttpRequest, export_id: int) -> HttpResponseBase:
        """The file, for the user who asked for it and may still see what is in it."""
        export = self._export(request, export_id)
        if why := why_not_taken(export, user_of(request)):
            raise PermissionDenied(why)
        file = file_of(export)
        expires_at = export.expires_at
        is_there = export.status == _Status.DONE and expires_at and expires_at > timezone.now()
        if not is_there or not file.exists():
            text = "There is no file any more. Export again." if not is_there else ELSEWHERE
            self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(change_url(export))
        Export.objects.filter(pk=export.pk).update(
            downloads=F("downloads") + 1, downloaded_at=timezone.now()
        )
        detail = f"Took a file of {export.found:,} rows ({export.rows_name}) as {export.format}."
        note(detail, model=export, name=str(export))
        day = timezone.localtime(export.requested_at).date()
        return FileResponse(
            file.open("rb"),
            as_attachment=True,
            filename=f"{slugify(export.rows_name)}-{day}.{export.format}",
            content_type=_CONTENT_TYPES[Export.Format(export.format)],
            headers={"Cache-Control": "no-store"},
        )

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            context |= _page_of(obj, request)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def _export(self, request: HttpRequest, export_id: int) -> Export:
        if not self.has_view_permission(request):
            raise PermissionDenied
        export = self.get_queryset(request).filter(pk=export_id).first()
        if export is None:
            raise Http404("There is no such export.")
        return export


def _model_named(label: str) -> type[Model]:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        raise Http404("There is no such list.") from None
    if not can_be_exported(model):
        raise Http404("There is no such list.")
    return model


def _page_of(export: Export, request: HttpRequest) -> dict[str, Any]:
    def url(name: str) -> str:
        return reverse(f"admin:exchange_export_{name}", args=[export.pk])

    user = user_of(request)
    is_own = export.by_id == user.pk
    is_ready = export.status == _Status.DONE
    # The log has lists, too, that are there no more.
    model = export.model
    may_again = is_own and model is not None and may_export_list(user, model)
    again = reverse("admin:exchange_export_start", args=[export.list_of])
    return {
        "export": export,
        "what": what(export),
        "state": _STATUS(export),
        "is_over": export.finished_at is not None,
        "is_own": is_own,
        "per_cent": per_cent_of(export),
        "columns": headers_of(export.columns, export.options),
        "why_not": why_not_taken(export, user) if is_ready and is_own else "",
        "is_ready": is_ready and is_own,
        "has_file": is_ready,
        "list_url": _list_url(model, export.query) if is_own else "",
        "again_url": f"{again}?{export.query}" if may_again else "",
        "progress_url": url("progress"),
        "cancel_url": url("cancel"),
        "download_url": url("download"),
        "remove_url": url("remove"),
    }


def _list_url(model: type[Model] | None, query: str) -> str:
    return changelist_url(model, query) if model and can_be_exported(model) else ""


def _link_above(model: type[Model]) -> ListLink | None:
    """“Export”, above every list that can be exported."""
    if not can_be_exported(model):
        return None

    def url_of(request: HttpRequest) -> str:
        url = reverse("admin:exchange_export_start", args=[model._meta.label_lower])
        query = narrowing(request.GET)
        return f"{url}?{query}" if query else url

    return ListLink("Export", "download", may_export, url_of, needs_rows=True)


register_link_of_every_list(_link_above)
register_item(
    SidebarItem(
        group="People",
        position=96,
        title="Exports",
        icon="download",
        view="admin:exchange_export_changelist",
        may_see=may_see_exports,
    )
)
