"""Access files in the admin: who asked for them and took them, how far they are, their links."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from adminsite.audit import note
from adminsite.columns import Badge, Column, Moment, labels_of
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import change_url
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import user_of
from contacts.admin.naming import ContactColumn, NamingAdmin
from contacts.admin.searching import contact_named
from contacts.models import Contact
from contacts.telling import registered_tellings
from privacy.access import asking
from privacy.access.downloading import FileGone, download
from privacy.access.links import link_to_file
from privacy.access.permissions import may_make_access_files, may_see_access_files
from privacy.models import AccessFile

_Status = AccessFile.Status
STATUS = Badge(
    "status",
    "State",
    labels=labels_of(
        {
            _Status.WAITING: "info",
            _Status.READY: "good",
            _Status.CANCELLED: "neutral",
            _Status.DELETED: "neutral",
        }
    ),
)
# What users who may make files can do to one, as the address calls it.
ACTIONS = ("cancel", "delete", "link", "revoke")
_GONE = (
    "The file is not on this machine any more. Make another one. If the hub runs on several "
    "machines, they need one folder for its data."
)


def kind(file: AccessFile) -> str:
    """What the file is for, in short."""
    return str(file.get_kind_display()).partition(":")[0]


def size(file: AccessFile) -> str:
    """How large it is."""
    return filesizeformat(file.size) if file.size is not None else ""


def all_downloads(file: AccessFile) -> int:
    """How often it was downloaded, by users and by the link."""
    return file.downloads + file.link_downloads


@admin.register(AccessFile)
class AccessFileAdmin(ReadOnlyAdmin, NamingAdmin):
    list_display = (
        Moment("requested_at", "Asked for"),
        ContactColumn(),
        Column(kind, "For"),
        STATUS,
        Column(size, "Size"),
        Column("requested_by", "By"),
        Column(all_downloads, "Downloads"),
        Moment("expires_at", "Kept until"),
    )
    list_select_related = ("contact", "requested_by")
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("requested_at", TimeRangeFilter),
    )
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("contact__guid",)
    search_help_text = "GUID or whole email of a contact"
    list_help = (
        "Files with what the hub knows of one person: who asked for them, and who took them."
    )
    names_contacts = ("contact",)
    fieldsets = ()
    change_form_template = "privacy/access_file.html"
    empty_state = EmptyState(
        icon="folder_shared",
        title="No access files yet",
        text=(
            "Open the page of a contact, choose “Their data”, and have a file made with everything "
            "that the hub knows of them, or with what they can take to another service."
        ),
        link_text="Go to the contacts",
        link_view="admin:contacts_contact_changelist",
    )

    def get_urls(self) -> list:
        def url(route: str, view: Any, name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"privacy_accessfile_{name}")

        return [
            url("make/<int:contact_id>/<slug:kind>/", require_POST(self.make_view), "make"),
            url("<int:file_id>/progress/", require_GET(self.progress_view), "progress"),
            url("<int:file_id>/download/", require_POST(self.download_view), "download"),
            url("<int:file_id>/act/<slug:action>/", require_POST(self.act_view), "act"),
            *super().get_urls(),
        ]

    def has_view_permission(self, request: HttpRequest, obj: AccessFile | None = None) -> bool:
        return may_see_access_files(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("contact", "requested_by")

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        contact = contact_named(term, by_email=True)
        return queryset.filter(contact=contact) if contact else queryset.none()

    def make_view(self, request: HttpRequest, contact_id: int, kind: str) -> HttpResponse:
        """Have a worker make a file about a contact."""
        if not may_make_access_files(request.user):
            raise PermissionDenied
        if kind not in AccessFile.Kind.values:
            raise Http404("There is no such kind of file.")
        contact = Contact.objects.filter(pk=contact_id).first()
        try:
            if contact is None:
                raise Contact.DoesNotExist
            file = asking.make_access_file(contact, kind, user_of(request))
        except Contact.DoesNotExist:
            raise Http404("There is no such contact any more.") from None
        return HttpResponseRedirect(change_url(file))

    def progress_view(self, request: HttpRequest, file_id: int) -> HttpResponse:
        """How far a file is, which its page asks for until it is over."""
        file = self._file(request, file_id)
        return TemplateResponse(request, "privacy/access_file_state.html", state_of(request, file))

    def download_view(self, request: HttpRequest, file_id: int) -> HttpResponseBase:
        """The file."""
        file = self._file(request, file_id)
        if file.is_ready:
            try:
                return download(file, by=user_of(request))
            except FileGone:
                self.message_user(request, _GONE, messages.ERROR)
        else:
            text = "The file cannot be downloaded: it is not ready, or its time is over."
            self.message_user(request, text, messages.ERROR)
        return HttpResponseRedirect(change_url(file))

    def act_view(self, request: HttpRequest, file_id: int, action: str) -> HttpResponse:
        """Give up a file, delete it, or make or end its link."""
        file = self._file(request, file_id)
        if not may_make_access_files(request.user):
            raise PermissionDenied
        if action not in ACTIONS:
            raise Http404("There is no such action.")
        is_done, done, not_done = self._act(request, file, action)
        if is_done:
            note(done, model=file)
        level = messages.SUCCESS if is_done else messages.WARNING
        self.message_user(request, done if is_done else not_done, level)
        return HttpResponseRedirect(change_url(file))

    def _act(self, request: HttpRequest, file: AccessFile, action: str) -> tuple[bool, str, str]:
        """Whether it was done, and what to say if it was and if it was not."""
        if action == "cancel":
            return asking.cancel(file), "The file is not made.", "It was over already."
        if action == "delete":
            deleted = asking.delete_file(file, "A user deleted it.")
            return deleted, "The file was deleted.", "There was no file any more."
        if action == "link":
            made = asking.make_link(file)
            return made, "The person can download it by the link.", "The file is not there."
        ended = asking.revoke_link(file)
        return ended, "The link leads nowhere any more.", "There was no link."

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            context |= state_of(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def _file(self, request: HttpRequest, file_id: int) -> AccessFile:
        if not self.has_view_permission(request):
            raise PermissionDenied
        file = self.get_queryset(request).filter(pk=file_id).first()
        if file is None:
            raise Http404("There is no such file.")
        return file


def state_of(request: HttpRequest, file: AccessFile) -> dict[str, Any]:
    """What the page of a file says of it, anew until it is made."""
    titles = {one.name: one.title for one in registered_tellings()}
    return {
        "file": file,
        "state": STATUS(file),
        "kind": file.get_kind_display(),
        "is_over": file.status != _Status.WAITING,
        "is_expired": file.status == _Status.READY and not file.is_ready,
        "told": [(titles.get(name, name), rows) for name, rows in file.tables.items()],
        "link": link_to_file(file),
        "may_act": may_make_access_files(request.user),
        "urls": {
            "progress": reverse("admin:privacy_accessfile_progress", args=[file.pk]),
            "download": reverse("admin:privacy_accessfile_download", args=[file.pk]),
            **{
                name: reverse("admin:privacy_accessfile_act", args=[file.pk, name])
                for name in ACTIONS
            },
        },
    }


register_item(
    SidebarItem(
        group="Privacy",
        position=20,
        title="Access files",
        icon="folder_shared",
        view="admin:privacy_accessfile_changelist",
        may_see=may_see_access_files,
    )
)
