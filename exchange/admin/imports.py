"""Imports in the admin: their list, and the way of a file from its upload to its undo."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from adminsite.columns import Badge, Column, Moment, Short, labels_of
from adminsite.formatting import change_url
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import user_of
from exchange.admin.mapping_page import mapping_context
from exchange.admin.permissions import may_import, may_see_imports
from exchange.admin.showing import KINDS, page_of, preview_of, progress_of, read_preview
from exchange.admin.targets import read_mapping
from exchange.admin.uploading import (
    UploadForm,
    limits,
    read_again,
    receive,
    seen_of,
    take,
    today,
)
from exchange.importing.acting import (
    CannotImport,
    cancel,
    start_check,
    start_import,
    start_undo,
)
from exchange.importing.errors import CannotRead
from exchange.importing.judging import Preview, preview_undo
from exchange.importing.storing import forget_raw
from exchange.importing.telling import kept_of, rejects_of
from exchange.models import Import, RememberedMapping

_STATUS = Badge("status", "State", labels=labels_of(KINDS))
# htmx loads the whole page anew: something else stands on it now.
_REFRESH = {"HX-Refresh": "true"}


def rows(import_: Import) -> str:
    """How many rows the file has, once they were counted."""
    count = (import_.done or import_.counts or {}).get("rows")
    return "" if count is None else f"{count:,}"


def rows_are(import_: Import) -> str:
    """What its rows become."""
    return import_.get_kind_display()


def rejected(import_: Import) -> str:
    """How many of them stay out."""
    count = (import_.done or import_.counts or {}).get("reject")
    return "" if count is None else f"{count:,}"


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = (
        Short("name", "File"),
        Column(rows_are, "Rows are"),
        _STATUS,
        Column(rows, "Rows"),
        Column(rejected, "Rejected"),
        Column("by", "By"),
        Moment("uploaded_at", "Uploaded"),
    )
    list_select_related = ("by",)
    list_filter = ("status", "kind")
    ordering = ("-uploaded_at", "-id")
    sortable_by = ()
    list_help = (
        "Files that came in, the latest first. Each shows beforehand what will happen, and can be "
        "undone."
    )
    change_form_template = "exchange/import.html"
    fieldsets = ()
    empty_state = EmptyState(
        icon="upload_file",
        title="No imports yet",
        text=(
            "Bring contacts or activities in from a CSV file, an Excel workbook, or an export of "
            "Mailchimp, ActiveCampaign or HubSpot. Before anything changes, you see what will."
        ),
        link_text="Import a file",
        link_view="admin:exchange_import_upload",
    )

    def get_urls(self) -> list:
        def url(route: str, view: Any, name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"exchange_import_{name}")

        upload = csrf_exempt(require_http_methods(["GET", "POST"])(self.upload_view))
        both = require_http_methods(["GET", "POST"])
        one = "<int:import_id>"
        return [
            url("upload/", upload, "upload"),
            url(f"{one}/mapping/", both(self.mapping_view), "mapping"),
            url(f"{one}/read/", require_POST(self.read_view), "read"),
            url(f"{one}/progress/", require_GET(self.progress_view), "progress"),
            url(f"{one}/start/", require_POST(self.start_view), "start"),
            url(f"{one}/cancel/", require_POST(self.cancel_view), "cancel"),
            url(f"{one}/undo/", both(self.undo_view), "undo"),
            url(f"{one}/undo/preview/", require_GET(self.preview_view), "preview"),
            url(f"{one}/rejects/", require_GET(self.rejects_view), "rejects"),
            url(f"{one}/kept/", require_GET(self.kept_view), "kept"),
            *super().get_urls(),
        ]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_imports(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return may_see_imports(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by", "channel", "undone_by")

    def upload_view(self, request: HttpRequest) -> HttpResponseBase:
        """The page that takes a file, which is on its way to the disk before the form is read."""
        if not may_import(request.user):
            raise PermissionDenied
        keeper = receive(request) if request.method == "POST" else None
        answer = csrf_protect(self._upload)(request, keeper)
        if keeper is not None and answer.status_code == HTTPStatus.FORBIDDEN:
            # A form of another website: its file came before that was known.
            keeper.forget()
        return answer

    def _upload(self, request: HttpRequest, keeper: Any) -> HttpResponseBase:
        form = UploadForm(request.POST if keeper else None)
        problem = ""
        if keeper is not None:
            # A form that was given up in the middle of its file lacks what comes behind.
            if keeper.problem:
                problem = keeper.problem
            elif form.is_valid():
                try:
                    import_ = take(request, form, keeper, user_of(request))
                except CannotRead as error:
                    problem = str(error)
                else:
                    return HttpResponseRedirect(self._url(import_, "mapping"))
            else:
                keeper.forget()
        context = {
            **self.admin_site.each_context(request),
            **limits(),
            "title": "Import a file",
            "opts": self.opts,
            "form": form if not problem or form.is_valid() else UploadForm(),
            "problem": problem,
        }
        return TemplateResponse(
            request, "exchange/upload.html", context, status=422 if problem else 200
        )

    def mapping_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """What each column is for."""
        import_ = self._import(request, import_id)
        if not import_.may_be_checked:
            return HttpResponseRedirect(change_url(import_))
        try:
            seen = seen_of(import_)
        except CannotRead as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(change_url(import_))
        mapping = import_.mapping
        problems: dict[int, str] = {}
        if request.method == "POST":
            mapping, problems = read_mapping(request.POST, seen["columns"], import_.kind)
            if not problems:
                self._check(request, import_, mapping, seen["rows"])
                return HttpResponseRedirect(change_url(import_))
        context = {
            **self.admin_site.each_context(request),
            **mapping_context(import_, seen, mapping, problems),
            "title": "What the columns are for",
            "opts": self.opts,
        }
        return TemplateResponse(request, "exchange/mapping.html", context)

    def _check(
        self, request: HttpRequest, import_: Import, mapping: dict[str, Any], rows: int
    ) -> None:
        """Have so many rows checked by this mapping, or tell why they cannot be."""
        try:
            start_check(import_, mapping, rows)
        except CannotImport as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            RememberedMapping.remember(import_.kind, import_.headers, mapping, by=user_of(request))

    def read_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """Read the file in another way."""
        import_ = self._import(request, import_id)
        given = request.POST
        names = {"yes": True, "no": False}.get(given.get("has_headers", ""))
        options = {
            "sheet": given.get("sheet", ""),
            "encoding": given.get("encoding", ""),
            "has_headers": names,
        }
        if import_.may_be_checked:
            try:
                read_again(import_, options)
            except (CannotRead, CannotImport) as error:
                self.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(self._url(import_, "mapping"))

    def progress_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """How far it is, which its page asks for until it is over."""
        import_ = self._import(request, import_id, changes=False)
        if not import_.is_going_on:
            return HttpResponse(headers=_REFRESH)
        return TemplateResponse(request, "exchange/progress.html", progress_of(import_))

    def start_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """Import what was checked."""
        return self._do(request, import_id, lambda one: start_import(one, user_of(request)))

    def cancel_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """Do nothing further."""
        import_ = self._import(request, import_id)
        forget_raw(import_.file)
        if cancel(import_):
            text = "Cancelled. What was imported by then stays, and can be undone."
            if import_.status == Import.Status.PARTLY_UNDONE:
                text = "Cancelled. What was undone by then stays so, and the rest can be undone."
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, "It was over already.", messages.INFO)
        return HttpResponseRedirect(change_url(import_))

    def undo_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """What an undo would take back and what it would leave, and the undo."""
        import_ = self._import(request, import_id)
        if request.method == "POST":
            return self._do(request, import_id, lambda one: start_undo(one, user_of(request)))
        if not import_.may_be_undone:
            return HttpResponseRedirect(change_url(import_))
        is_rest = import_.status == Import.Status.PARTLY_UNDONE
        context = {
            **self.admin_site.each_context(request),
            "title": "Undo the rest of the import" if is_rest else "Undo the import",
            "is_rest": is_rest,
            "opts": self.opts,
            "import": import_,
            **preview_of(import_, Preview()),
            "back_url": change_url(import_),
        }
        return TemplateResponse(request, "exchange/undo.html", context)

    def preview_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """What an undo would come to, counted a portion further; its page asks until it is all."""
        import_ = self._import(request, import_id)
        if not import_.may_be_undone:
            return HttpResponse(headers=_REFRESH)
        preview = preview_undo(import_, read_preview(request.GET.get("so_far", "")))
        return TemplateResponse(request, "exchange/preview.html", preview_of(import_, preview))

    def rejects_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """The rows that stay out, with their reasons, as a CSV."""
        import_ = self._import(request, import_id, changes=False)
        return _csv("rejects", import_, rejects_of(import_))

    def kept_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """The contacts that the undo has left alone, with the reasons, as a CSV."""
        import_ = self._import(request, import_id, changes=False)
        return _csv("kept", import_, kept_of(import_))

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            context |= page_of(obj, may_change=may_import(request.user))
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def _do(
        self, request: HttpRequest, import_id: int, act: Callable[[Import], object]
    ) -> HttpResponseBase:
        import_ = self._import(request, import_id)
        try:
            act(import_)
        except CannotImport as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            forget_raw(import_.file)
        return HttpResponseRedirect(change_url(import_))

    def _import(self, request: HttpRequest, import_id: int, *, changes: bool = True) -> Import:
        may = may_import if changes else may_see_imports
        if not may(request.user):
            raise PermissionDenied
        import_ = self.get_queryset(request).filter(pk=import_id).first()
        if import_ is None:
            raise Http404("There is no such import.")
        return import_

    def _url(self, import_: Import, name: str) -> str:
        return reverse(f"admin:exchange_import_{name}", args=[import_.pk])


def _csv(what: str, import_: Import, pieces: Iterator[str]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        pieces,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{what}-{import_.pk}-{today()}.csv"',
            "Cache-Control": "no-store",
        },
    )
