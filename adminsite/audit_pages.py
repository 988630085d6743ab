"""The audit log in the admin: one list, by who, what and when, and a page for each entry."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from adminsite.columns import Badge, Column, Moment, Short, labels_of
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import EMPTY, change_url, link, preformatted, visible
from adminsite.models import AuditEntry
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import may_see_audit_log

_HIDDEN = "hidden"
_SHOWN = 4_000
_ACTIONS = labels_of(
    {
        AuditEntry.Action.ADDED: "good",
        AuditEntry.Action.CHANGED: "info",
        AuditEntry.Action.DELETED: "bad",
        AuditEntry.Action.DONE: "neutral",
    }
)


def who(entry: AuditEntry) -> str:
    """Who did it: a user, else a program of the hub or a command."""
    if entry.actor:
        return entry.actor if entry.via == "admin" else f"{entry.actor} (by {entry.via})"
    if entry.via == "admin":
        return "A visitor without a login"
    # Commands have the name of the user of the operating system.
    is_command = entry.via.endswith(")")
    return f"Command line: {entry.via}" if is_command else f"The hub: {entry.via}"


def name(entry: AuditEntry) -> str:
    """What the thing was called, or its kind and number."""
    return entry.called


def what(entry: AuditEntry) -> str:
    """What was done in words, or the fields that differ; of what is new or gone these are all."""
    if entry.detail or entry.action != AuditEntry.Action.CHANGED:
        return entry.detail
    names = {**(entry.before or {}), **(entry.after or {})}
    return ", ".join(sorted(_label(entry, column) for column in names))


def differences(entry: AuditEntry) -> SafeString | str:
    """What each field was before, and what it became."""
    before, after = entry.before or {}, entry.after or {}
    rows = [
        (_label(entry, one), _shown(entry, before, one), _shown(entry, after, one))
        for one in dict.fromkeys([*before, *after])
    ]
    rows.sort(key=lambda row: row[0])
    if not rows:
        return ""
    body = format_html_join("", "<tr><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>", rows)
    return format_html(
        '<table class="tl-fields"><thead><tr><th scope="col">Field</th><th scope="col">Before</th>'
        '<th scope="col">After</th></tr></thead><tbody>{}</tbody></table>',
        body,
    )


class ActorFilter(DropdownFilter):
    """What one user did, or programs and commands."""

    title = "who"
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        # Of names in the log itself there may be any number of rows.
        names = admin.site.get_model_admin(_user_model()).get_queryset(request)
        users = names.order_by("username").values_list("pk", "username")[:500]
        return [("-", "Commands and the hub itself"), *((str(pk), one) for pk, one in users)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if value == "-":
            return queryset.filter(user__isnull=True)
        return queryset.filter(user=int(value)) if value and value.isdecimal() else queryset


class KindFilter(DropdownFilter):
    """What was done to things of one kind."""

    title = "what"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        models = {model._meta.label_lower: model for model in admin.site._registry}
        kinds = [(key, capfirst(str(one._meta.verbose_name))) for key, one in models.items()]
        return sorted(kinds, key=lambda one: one[1].lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(model=self.value()) if self.value() else queryset


_AT = Moment("at", "Time", seconds=True)
_WHO = Column(who)
_KIND = Column("kind")
_NAME = Short(name)
_ACTION = Badge("action", labels=_ACTIONS)
_THING = Column("thing", "Name")
_WHAT = Column(what)
_DIFFERENCES = Column(differences, "Before and after")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_title = "Audit log"
    list_help = (
        "What users, commands and configuration files changed, with what was before and after. "
        "Values of contacts stay on the pages of the contacts."
    )
    list_display = (_AT, _WHO, _ACTION, _KIND, _NAME, Short(what), "address")
    list_filter = (
        ActorFilter,
        KindFilter,
        ("action", ChoicesDropdownFilter),
        ("at", TimeRangeFilter),
    )
    search_fields = ("name", "actor", "detail")
    search_help_text = "Who, what it is called, or what was done"
    ordering = ("-at", "-id")
    sortable_by = ()
    empty_state = EmptyState(
        icon="history",
        title="Nothing was changed yet",
        text="What users, commands and configuration files change appears here.",
    )

    fieldsets = (
        (None, {"fields": (_AT, _WHO, "address", _ACTION, _KIND, _THING, _WHAT)}),
        ("What changed", {"fields": (_DIFFERENCES,)}),
    )
    readonly_fields = (_AT, _WHO, "address", _ACTION, _KIND, _THING, _WHAT, _DIFFERENCES)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None):
        entry = super().get_object(request, object_id, from_field)
        if entry is not None:
            entry.thing = _link_to(entry, request)
        return entry


register_item(
    SidebarItem(
        group="Settings",
        position=80,
        title="Audit log",
        icon="history",
        view="admin:adminsite_auditentry_changelist",
        may_see=may_see_audit_log,
    )
)


def _link_to(entry: AuditEntry, request: HttpRequest) -> SafeString | str:
    """The name of what was changed; a link to its page, if it is there and this user may see it."""
    model = entry.changed_model
    text = entry.called or EMPTY
    if model is None or not entry.object_id or not admin.site.is_registered(model):
        return text
    if not admin.site.get_model_admin(model).has_view_permission(request):
        return text
    row = model._default_manager.filter(pk=entry.object_id).first()
    return link(change_url(row), text) if row is not None else f"{text} (is gone)"


def _user_model() -> type[Model]:
    return AuditEntry._meta.get_field("user").related_model  # type: ignore[return-value]


def _field_of(entry: AuditEntry, column: str) -> Any:
    model = entry.changed_model
    fields = model._meta.get_fields() if model else ()
    found = (one for one in fields if column in (getattr(one, "column", None), one.name))
    return next(found, None)


def _label(entry: AuditEntry, column: str) -> str:
    """What pages call a column."""
    field = _field_of(entry, column)
    return capfirst(str(getattr(field, "verbose_name", column.replace("_", " "))))


def _shown(entry: AuditEntry, values: dict[str, Any], column: str) -> SafeString | str:
    if column not in values:
        return EMPTY
    value = values[column]
    if value == _HIDDEN:
        return format_html("<i>{}</i>", "not kept")
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if value is None or value == "":
        return EMPTY
    field = _field_of(entry, column)
    if isinstance(value, int) and field is not None and field.many_to_one:
        row = field.related_model._default_manager.filter(pk=value).first()
        return f"{row} (#{value})" if row is not None else f"#{value} (is gone)"
    if isinstance(value, str | int | float):
        labels = dict(getattr(field, "flatchoices", None) or ())
        return visible(str(labels.get(value, value))[:_SHOWN])
    return preformatted(json.dumps(value, indent=2, ensure_ascii=False)[:_SHOWN])
