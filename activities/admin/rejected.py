"""The inspector: what was not recorded, or not as it came, and why."""

import json
from urllib.parse import parse_qsl

from django.contrib import admin
from django.db.models import BinaryField, Expression, QuerySet, Value
from django.db.models.functions import Substr
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    ChoicesRadioFilter,
    DropdownFilter,
    MultipleChoicesDropdownFilter,
    RelatedDropdownFilter,
    TextFilter,
)

from activities.admin import cause_pages, live, senders
from activities.admin.cause_pages import url_of
from activities.admin.permissions import may_replay, may_see_activities, may_see_activity_types
from activities.admin.personal_data import (
    FORM,
    HIDDEN,
    hide_emails,
    hide_in_payload,
    personal_names,
)
from activities.admin.repairs import InspectorPages, replay_badge
from activities.admin.searching import search_rejections, search_rejections_by_name
from activities.models import Activity, ActivityType, RejectedActivity
from activities.problems import Status
from activities.reading_again import why_not
from activities.replaying import cause_of
from adminsite.columns import Badge, Code, Column, Moment, Short, labels_of
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import (
    EMPTY,
    badge,
    changelist_url,
    copyable,
    field_table,
    link,
    link_to,
    preformatted,
    pretty_json,
    visible,
)
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.searching import as_id, as_uuid
from contacts.admin.permissions import may_see_contacts
from contacts.resolving import find_contact
from web.doors import title_of

_RECORDED = (Status.VALID, Status.INVALID_ACCEPTED)
_CODES_OF_RULES = ("missing_property", "wrong_property", "unspecified_property")
_EXCERPT = 160
_EXCERPT_OF_REASON = 300
_SHOWN_FIELDS = 200
# The filters offer what the newest lines have; reading all of them would take too long.
_NEWEST = 2000


class _RecentValuesFilter(DropdownFilter):
    """One of the values that the newest lines have, by what people call it."""

    def name_of(self, value: str) -> str:
        return value

    def lookups(self, request, model_admin):
        newest = RejectedActivity.objects.order_by("-at", "-id")
        values = set(newest.values_list(self.parameter_name, flat=True)[:_NEWEST])
        if chosen := self.used_parameters.get(self.parameter_name):
            values.add(chosen[0] if isinstance(chosen, list) else chosen)
        return [(value, self.name_of(value)) for value in sorted(values, key=self.name_of) if value]

    def has_output(self) -> bool:
        return True

    def queryset(self, request, queryset):
        value = self.value()
        if not value:
            return queryset
        # PostgreSQL has no text with NUL.
        return queryset.none() if "\0" in value else queryset.filter(**{self.parameter_name: value})


class CodeFilter(_RecentValuesFilter):
    title = "reason code"
    parameter_name = "code"


class FormatFilter(_RecentValuesFilter):
    title = "format"
    parameter_name = "door"

    def name_of(self, value: str) -> str:
        return title_of(value)


class CauseFilter(TextFilter):
    """The lines that have the cause of the one with this id."""

    title = "same cause as the line with the id"
    parameter_name = "cause"

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        line = RejectedActivity.objects.filter(pk=as_id(self.value()) or 0).first()
        return queryset.filter(**cause_of(line)._asdict()) if line else queryset.none()


class ReplayFilter(TextFilter):
    """The lines of a replay, by its number."""

    title = "replay with the id"
    parameter_name = "replay"

    def queryset(self, request, queryset):
        return queryset.filter(replay=as_id(self.value()) or 0) if self.value() else queryset


class TestCodeFilter(TextFilter):
    title = "test code"
    parameter_name = "test_code"

    def queryset(self, request, queryset):
        return queryset.filter(test_code=self.value()) if self.value() else queryset


def readable_payload(payload: bytes):
    """A payload one member a line if it is JSON, else as text with what is no text escaped.

    Of forms and queries the names and values come first, as they were meant.
    """
    try:
        return pretty_json(json.loads(payload))
    except (ValueError, RecursionError):
        text = payload.decode(errors="backslashreplace")
    raw = preformatted(text) if text else EMPTY
    if not FORM.fullmatch(text):
        return raw
    fields = parse_qsl(text, keep_blank_values=True)[:_SHOWN_FIELDS]
    return field_table([(visible(name), visible(value)) for name, value in fields]) + raw


def reason(rejected: RejectedActivity) -> SafeString:
    """The beginning of the reason, on as many lines as it needs."""
    return _wrapped(rejected.reason)


def reason_without_emails(rejected: RejectedActivity) -> SafeString:
    return _wrapped(hide_emails(rejected.reason))


def _wrapped(text: str) -> SafeString:
    return format_html('<span class="tl-wrapped">{}</span>', text[:_EXCERPT_OF_REASON])


def code_and_field(rejected: RejectedActivity) -> SafeString:
    html = '<div>{}<div class="text-subtle">{}</div></div>'
    return format_html(html, badge(rejected.code), rejected.field)


def format_name(rejected: RejectedActivity) -> str:
    """What people call the format that it came in."""
    return title_of(rejected.door)


def guid_without_emails(rejected: RejectedActivity) -> str:
    """The GUID that was given, which may be anything."""
    return hide_emails(rejected.contact_guid)


def excerpt(rejected) -> str:
    """The beginning of what was sent."""
    text = bytes(rejected.excerpt).decode(errors="replace")[:_EXCERPT]
    return text.replace("\0", "\ufffd")


def contact(rejected) -> SafeString | str:
    """The contact that the request named, and the GUID that it gave."""
    if rejected.contact is None:
        given = rejected.contact_guid
        return f"{given} (no such contact)" if given else ""
    return field_table(
        [("Contact", link_to(rejected.contact)), ("GUID", copyable(rejected.contact_guid))]
    )


def request_links(rejected) -> SafeString:
    """The id of the request, and links to what it is about."""
    rows: list[tuple[object, object]] = [("Id", copyable(rejected.request_id))]
    if rejected.may_see_activities and rejected.status in _RECORDED:
        url = changelist_url(Activity, f"q={rejected.request_id}")
        rows.append(("", link(url, "Show everything of this request")))
    if rejected.type_with_rules:
        rows.append(("Rules", link_to(rejected.type_with_rules)))
    return field_table(rows)


def replayed(rejected) -> SafeString | str:
    """What became of it when it was replayed, or why it cannot be; and its cause."""
    rows: list[tuple[object, object]] = []
    if rejected.replayed:
        rows.append(("State", replay_badge(rejected)))
    if rejected.replayed_as and rejected.may_see_activities:
        url = reverse("admin:activities_activity_change", args=[rejected.replayed_as])
        rows.append(("Activity", link(url, f"#{rejected.replayed_as}")))
    if rejected.replay_reason:
        rows.append(("Reason now", rejected.replay_reason))
    if reason := why_not(rejected):
        rows.append(("", reason))
    rows.append(("Cause", link(url_of(rejected.pk), "What can be done about it")))
    return field_table(rows)


def length(rejected: RejectedActivity) -> str:
    """How much was sent, and how much of it was kept."""
    kept, sent = len(rejected.payload), rejected.payload_length
    text = f"{sent:,} bytes were sent"
    return f"{text}, of which {kept:,} were kept" if kept < sent else text


def payload(rejected) -> SafeString | str:
    return readable_payload(rejected.shown_bytes)


_TIME = Moment("at", "Time", seconds=True)
_STATUS = Badge(
    "status",
    labels=labels_of(
        {
            Status.VALID: "good",
            Status.INVALID_ACCEPTED: "warning",
            Status.INVALID_REJECTED: "bad",
            Status.FILTERED: "neutral",
            Status.FAILED: "bad",
        }
    ),
)


def status_and_replay(rejected: RejectedActivity) -> SafeString:
    """What became of it, and what became of it when it was replayed."""
    return format_html("<div>{}<div>{}</div></div>", _STATUS(rejected), replay_badge(rejected))


_FORMAT = Column(format_name, "Format", empty="")
_TEST_CODE = Short("test_code")


@admin.register(RejectedActivity)
class RejectedActivityAdmin(InspectorPages, ReadOnlyAdmin):
    tab = "Lines"
    change_form_outer_before_template = "activities/inspector/line.html"
    list_title = "Inspector"
    list_display = (
        _TIME,
        Column(status_and_replay, "Status"),
        Column(
            reason,
            may_see=may_see_contacts,
            instead=Column(reason_without_emails, "Reason"),
        ),
        Column(code_and_field, "Reason code"),
        _TEST_CODE,
        _FORMAT,
        Short("channel.name"),
        Short(
            "contact_guid",
            "Contact GUID",
            may_see=may_see_contacts,
            instead=Short(guid_without_emails, "Contact GUID"),
        ),
        Short(excerpt, "What was sent"),
    )
    list_filter = (
        ("status", MultipleChoicesDropdownFilter),
        CodeFilter,
        FormatFilter,
        TestCodeFilter,
        ("channel", RelatedDropdownFilter),
        ("at", TimeRangeFilter),
        ("replayed", ChoicesRadioFilter),
        CauseFilter,
        ReplayFilter,
    )
    list_select_related = ("channel",)
    ordering = ("-at", "-id")
    sortable_by = ()
    search_fields = ("payload_text",)
    search_help_text = "Request id, GUID, email, or words of what was sent"
    fieldsets = (
        (
            None,
            {"fields": ("reason", _STATUS, Badge("code", "Reason code"), Column("field"), _TIME)},
        ),
        (
            "Where it came from",
            {
                "fields": (
                    _FORMAT,
                    "channel",
                    Column(
                        contact,
                        may_see=may_see_contacts,
                        instead=Code("contact_guid", "Contact GUID"),
                    ),
                    Column(request_links, "Request"),
                    _TEST_CODE,
                )
            },
        ),
        ("Replay", {"fields": (Column(replayed, "Replay"),)}),
        ("What was sent", {"fields": (Column(length), Column(payload))}),
    )
    empty_state = EmptyState(
        icon="troubleshoot",
        title="Nothing to inspect",
        text=(
            "When an application sends something that cannot be recorded, it is kept here for a "
            "month with the reason, so that its developers can find out what to change."
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("channel")

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        # No character takes more than four bytes.
        excerpt: Expression = Substr("payload", 1, 4 * _EXCERPT, output_field=BinaryField())
        if not may_see_contacts(request.user):
            excerpt = Value(HIDDEN.encode(), output_field=BinaryField())
        return queryset.defer("payload", "payload_text").annotate(excerpt=excerpt)

    def get_object(self, request, object_id, from_field=None):
        rejected = super().get_object(request, object_id, from_field)
        if rejected is not None:
            # Once here: a page asks for the text of each field several times.
            guid = as_uuid(rejected.contact_guid)
            rejected.contact = find_contact(guid) if guid else None
            rejected.may_see_activities = may_see_activities(request.user)
            rejected.can_be_replayed = may_replay(request.user) and not why_not(rejected)
            rejected.type_with_rules = None
            if rejected.code in _CODES_OF_RULES and may_see_activity_types(request.user):
                rejected.type_with_rules = _only_type_of_request(rejected)
            rejected.shown_bytes = bytes(rejected.payload)
            if not may_see_contacts(request.user):
                rejected.shown_bytes = hide_in_payload(rejected.shown_bytes, personal_names())
                for name in ("reason", "field", "contact_guid", "replay_reason"):
                    setattr(rejected, name, hide_emails(getattr(rejected, name)))
        return rejected

    def get_urls(self):
        return [*cause_pages.urls(), *live.urls(), *senders.urls(), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        given = {
            "inspector_tabs": cause_pages.tabs_for(request.user, "Lines"),
            "act_url": reverse("admin:activities_rejectedactivity_act"),
        }
        return super().change_view(request, object_id, form_url, {**given, **(extra_context or {})})

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        if may_see_contacts(request.user):
            return search_rejections(queryset, term)
        # A user who finds words in what was sent knows that they are there.
        return search_rejections_by_name(queryset, term)

    def search_help(self, request: HttpRequest) -> str:
        if may_see_contacts(request.user):
            return self.search_help_text
        return "Request id, GUID, or a whole email that was sent"


def _only_type_of_request(rejected: RejectedActivity) -> ActivityType | None:
    """The type of what was recorded of the same request, unless there are several."""
    recorded = Activity.objects.filter(request_id=rejected.request_id)
    found = list(ActivityType.objects.filter(pk__in=recorded.values("type"))[:2])
    return found[0] if len(found) == 1 else None
