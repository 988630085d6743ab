"""The data dictionary as a list, a page for each entry, and downloads."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.db.models.functions import Lower, Now
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST
from unfold.contrib.filters.admin import RelatedDropdownFilter

from adminsite.columns import Column, Moment
from adminsite.formatting import EMPTY, badge, changelist_url, field_table, link
from adminsite.navigation import ListLink, SidebarItem, register_item, register_list_link
from adminsite.options import EmptyState, HubChangeList, ReadOnlyAdmin
from jobs.models import Chore
from jobs.tasks import ring
from privacy.admin.permissions import may_see_dictionary
from privacy.generated.dictionary import (
    FIELDS,
    Around,
    around,
    as_csv,
    as_json,
    lines,
    share_of,
)
from privacy.generated.looking import LEAST_CONTACTS, LOOKED_AT, LOOKS
from privacy.models import DictionaryEntry

_PERSONAL = {
    "yes": ("Personal", "warning"),
    "may be": ("May be", "neutral"),
    "no": ("No", "neutral"),
}
_SHOWN = 5
_FORMATS = {"csv": ("text/csv; charset=utf-8", as_csv), "json": ("application/json", as_json)}


def name_of(entry: DictionaryEntry) -> str:
    """The property or field; of a type nothing."""
    return entry.name


def share(entry: DictionaryEntry) -> str:
    """How much of the newest activities has it."""
    found = share_of(entry)
    return "" if found is None else f"{found:g} % of {entry.looked_at:,}"


def _around(entry: Any) -> Around:
    return entry.around


def kind(entry: DictionaryEntry) -> str:
    """What values it has."""
    return _around(entry).kind(entry)


def personal(entry: DictionaryEntry) -> SafeString:
    """Whether it is personal data."""
    return badge(*_PERSONAL[_around(entry).personal(entry)])


def senders(entry: DictionaryEntry) -> str:
    """Who sends it."""
    return _some(_around(entry).senders_of(entry))


def used_in(entry: DictionaryEntry) -> str:
    """What asks for it."""
    return _some([one.name for one in _around(entry).uses_of(entry)])


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


class DictionaryList(HubChangeList):
    """The list, whose rows know what stands beside them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        found = list(self.result_list)
        known = around(found, request.user)
        for entry in found:
            entry.around = known
        self.result_list = found


@admin.register(DictionaryEntry)
class DictionaryEntryAdmin(ReadOnlyAdmin):
    list_title = "Data dictionary"
    # It is downloaded whole, with what stands beside its rows.
    is_exported = False
    list_display = (
        Column("activity_type.name", "Activity type"),
        Column(name_of, "Property", empty="(the type)"),
        Column(kind, "Values"),
        Column(personal, "Personal data"),
        Column(share, "Filled"),
        Moment("first_seen", "First seen"),
        Moment("last_seen", "Last seen"),
        Column(senders, "Senders"),
        Column(used_in, "Used in"),
    )
    list_display_links = (list_display[0],)
    list_filter = (("activity_type", RelatedDropdownFilter), "part")
    list_select_related = ("activity_type",)
    ordering = (Lower("activity_type__name"), "activity_type", F("part").desc(), "name")
    sortable_by = ()
    search_fields = ("name", "activity_type__name", "activity_type__code_name")
    search_help_text = "Name of a type or property"
    list_help = (
        f"What the newest {LOOKED_AT:,} activities of each type have, looked at hourly; a first "
        f"look sees the oldest {LOOKED_AT:,} as well. First and last seen are those of what was "
        "looked at. Members of objects are not looked into, but where a rule of the event "
        f"specification names one. A property that fewer than {LEAST_CONTACTS} contacts have "
        "sent, and a name that looks like data, is not kept."
    )
    list_before_template = "privacy/dictionary/list.html"
    fieldsets = ()
    empty_state = EmptyState(
        icon="dictionary",
        title="Nothing was looked at yet",
        text=(
            "The dictionary says of each activity type and property since when it comes, who sends "
            "it, how often it is filled, whether it is personal, and what uses it. A worker looks "
            "at the activities every hour; “Look now” above does it at once."
        ),
    )

    def get_urls(self) -> list:
        def url(route: str, view: Any, name: str) -> Any:
            view = self.admin_site.admin_view(view)
            return path(route, view, name=f"privacy_dictionaryentry_{name}")

        return [
            url("download/", require_GET(self.download_view), "download"),
            url("look/", require_POST(self.look_view), "look"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("activity_type")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[HubChangeList]:
        return DictionaryList

    def get_fieldsets(self, request: HttpRequest, obj: DictionaryEntry | None = None) -> list:
        return [(None, {"fields": (Column(_page, "Entry"),)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple:
        return self.get_fieldsets(request, obj)[0][1]["fields"]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        entry = super().get_object(request, object_id, from_field)
        if entry is not None:
            entry.around = around([entry], request.user)
        return entry

    def download_view(self, request: HttpRequest) -> HttpResponse:
        """The whole dictionary as a file."""
        if not may_see_dictionary(request.user):
            raise PermissionDenied
        form = request.GET.get("format", "csv")
        if form not in _FORMATS:
            raise Http404("There is no such format: choose csv or json.")
        content_type, written = _FORMATS[form]
        entries = list(self.get_queryset(request).order_by(*self.ordering))
        return HttpResponse(
            written(lines(entries, request.user)),
            content_type=content_type,
            headers={
                "Content-Disposition": (
                    f'attachment; filename="data-dictionary-{timezone.localdate():%Y-%m-%d}.{form}"'
                ),
                "Cache-Control": "no-store",
            },
        )

    def look_view(self, request: HttpRequest) -> HttpResponse:
        """Have a worker look at the activities now."""
        if not may_see_dictionary(request.user):
            raise PermissionDenied
        Chore.objects.filter(name=LOOKS).update(due_at=Now())
        ring("chores")
        text = "A worker looks at the activities. Load this page again in a moment."
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(changelist_url(DictionaryEntry))


def _page(entry: DictionaryEntry) -> SafeString:
    """Everything about an entry."""
    known = _around(entry)
    rule = known.rule_of(entry)
    uses = known.uses_of(entry)
    rows: list[tuple[object, object]] = [
        ("Activity type", f"{entry.activity_type.name} ({entry.activity_type.code_name})"),
        (entry.get_part_display(), entry.name or entry.activity_type.name),
        ("What it is", FIELDS.get(entry.name, "") if entry.part == "field" else _described(entry)),
        ("Values", known.kind(entry)),
        ("Rule of the event specification", "yes" if rule is not None else "none"),
        ("Personal data", personal(entry)),
        ("Filled", share(entry)),
        ("First seen", Moment("first_seen")(entry)),
        ("Last seen", Moment("last_seen")(entry)),
        ("Senders", ", ".join(known.senders_of(entry))),
        (
            "Used in",
            format_html_join(
                "",
                "<div>{}: {}</div>",
                ((one.kind, link(one.url, one.name) if one.url else one.name) for one in uses),
            ),
        ),
    ]
    if entry.left_out:
        why = "one contact alone has sent them, or they look like data"
        rows.append(("Left out", f"{entry.left_out:,} names of properties: {why}"))
    return field_table((name, value or EMPTY) for name, value in rows)


def _described(entry: DictionaryEntry) -> str:
    return entry.activity_type.description if entry.part == DictionaryEntry.Part.TYPE else ""


def _download(form: str) -> ListLink:
    def url_of(request: HttpRequest) -> str:
        return f"{reverse('admin:privacy_dictionaryentry_download')}?format={form}"

    return ListLink(f"Download as {form.upper()}", "download", may_see_dictionary, url_of)


register_list_link(DictionaryEntry, _download("csv"))
register_list_link(DictionaryEntry, _download("json"))
register_item(
    SidebarItem(
        group="Privacy",
        position=70,
        title="Data dictionary",
        icon="dictionary",
        view="admin:privacy_dictionaryentry_changelist",
        may_see=may_see_dictionary,
    )
)
