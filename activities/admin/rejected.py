"""The inspector: what was not recorded, or not as it came, and why."""

import json
from urllib.parse import parse_qsl

from django.contrib import admin
from django.db.models import BinaryField, Expression, QuerySet, Value
from django.db.models.functions import Substr
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import (
    DropdownFilter,
    MultipleChoicesDropdownFilter,
    RelatedDropdownFilter,
    TextFilter,
)
from unfold.decorators import display

from activities.admin.personal_data import (
    FORM,
    HIDDEN,
    hide_emails,
    hide_in_payload,
    personal_names,
)
from activities.admin.searching import search_rejections, search_rejections_by_id
from activities.models import Activity, ActivityType, RejectedActivity
from activities.problems import Status
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import (
    EMPTY,
    badge,
    changelist_url,
    copyable,
    field_table,
    link,
    link_to,
    moment,
    preformatted,
    pretty_json,
    shortened,
    visible,
)
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.searching import as_uuid
from contacts.admin.naming import NamingAdmin, may_see_contacts
from contacts.resolving import find_contact
from web.doors import title_of

STATUS_KINDS: dict[str, str] = {
    Status.VALID: "good",
    Status.INVALID_ACCEPTED: "warning",
    Status.INVALID_REJECTED: "bad",
    Status.FILTERED: "neutral",
    Status.FAILED: "bad",
}
_RECORDED = (Status.VALID, Status.INVALID_ACCEPTED)
_CODES_OF_RULES = ("missing_property", "wrong_property", "unspecified_property")
_SEE_TYPES = "activities.view_activitytype"
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


class TestCodeFilter(TextFilter):
    title = "test code"
    parameter_name = "test_code"

    def queryset(self, request, queryset):
        return queryset.filter(test_code=self.value()) if self.value() else queryset


@admin.register(RejectedActivity)
class RejectedActivityAdmin(ReadOnlyAdmin, NamingAdmin):
    list_title = "Inspector"
    list_display = (
        "shown_at",
        "shown_status",
        "shown_reason",
        "shown_code_and_field",
        "shown_test_code",
        "shown_format",
        "shown_channel",
        "shown_guid",
        "shown_excerpt",
    )
    list_filter = (
        ("status", MultipleChoicesDropdownFilter),
        CodeFilter,
        FormatFilter,
        TestCodeFilter,
        ("channel", RelatedDropdownFilter),
        ("at", TimeRangeFilter),
    )
    list_select_related = ("channel",)
    ordering = ("-at", "-id")
    sortable_by = ()
    search_fields = ("payload_text",)
    search_help_text = "Request id, GUID, or words of what was sent"
    fieldsets = (
        (None, {"fields": ("reason", "shown_status", "shown_code", "shown_field", "shown_at")}),
        (
            "Where it came from",
            {
                "fields": (
                    "shown_format",
                    "channel",
                    "shown_contact",
                    "shown_request",
                    "shown_test_code",
                )
            },
        ),
        ("What was sent", {"fields": ("shown_length", "shown_payload")}),
    )
    instead_of_names = {
        "shown_contact": "shown_contact_guid",
        "shown_reason": "shown_reason_without_emails",
        "shown_guid": "shown_guid_without_emails",
    }
    readonly_fields = (
        *(name for _, options in fieldsets for name in options["fields"]),
        *instead_of_names.values(),
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
        if not may_see_contacts(request):
            excerpt = Value(HIDDEN.encode(), output_field=BinaryField())
        return queryset.defer("payload", "payload_text").annotate(excerpt=excerpt)

    def get_object(self, request, object_id, from_field=None):
        rejected = super().get_object(request, object_id, from_field)
        if rejected is not None:
            # Once here: a page asks for the text of each field several times.
            guid = as_uuid(rejected.contact_guid)
            rejected.contact = find_contact(guid) if guid else None
            rejected.may_see_activities = request.user.has_perm("activities.view_activity")
            rejected.type_with_rules = None
            if rejected.code in _CODES_OF_RULES and request.user.has_perm(_SEE_TYPES):
                rejected.type_with_rules = _only_type_of_request(rejected)
            rejected.shown_bytes = bytes(rejected.payload)
            if not may_see_contacts(request):
                rejected.shown_bytes = hide_in_payload(rejected.shown_bytes, personal_names())
                for name in ("reason", "field", "contact_guid"):
                    setattr(rejected, name, hide_emails(getattr(rejected, name)))
        return rejected

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        if may_see_contacts(request):
            return search_rejections(queryset, term)
        # A user who finds words in what was sent knows that they are there.
        return search_rejections_by_id(queryset, term)

    @display(description="Time")
    def shown_at(self, rejected):
        return moment(rejected.at, seconds=True)

    @display(description="Status")
    def shown_status(self, rejected):
        return badge(rejected.get_status_display(), STATUS_KINDS[rejected.status])

    @display(description="Reason")
    def shown_reason(self, rejected):
        return format_html(
            '<span class="tl-wrapped">{}</span>', rejected.reason[:_EXCERPT_OF_REASON]
        )

    @display(description="Reason")
    def shown_reason_without_emails(self, rejected):
        return format_html(
            '<span class="tl-wrapped">{}</span>', hide_emails(rejected.reason)[:_EXCERPT_OF_REASON]
        )

    @display(description="Reason code")
    def shown_code(self, rejected):
        return badge(rejected.code)

    @display(description="Reason code")
    def shown_code_and_field(self, rejected):
        code = badge(rejected.code)
        return format_html('<div>{}<div class="text-subtle">{}</div></div>', code, rejected.field)

    @display(description="Field")
    def shown_field(self, rejected):
        return rejected.field or EMPTY

    @display(description="Format")
    def shown_format(self, rejected):
        return title_of(rejected.door)

    @display(description="Channel")
    def shown_channel(self, rejected):
        return shortened(rejected.channel.name) if rejected.channel else EMPTY

    @display(description="Test code")
    def shown_test_code(self, rejected):
        return shortened(rejected.test_code)

    @display(description="Contact GUID")
    def shown_guid(self, rejected):
        return shortened(rejected.contact_guid)

    @display(description="Contact GUID")
    def shown_guid_without_emails(self, rejected):
        return shortened(hide_emails(rejected.contact_guid))

    @display(description="What was sent")
    def shown_excerpt(self, rejected):
        text = bytes(rejected.excerpt).decode(errors="replace")[:_EXCERPT]
        return shortened(text.replace("\0", "\ufffd"))

    @display(description="Contact")
    def shown_contact(self, rejected):
        if rejected.contact is None:
            given = rejected.contact_guid
            return f"{given} (no such contact)" if given else EMPTY
        return field_table(
            [("Contact", link_to(rejected.contact)), ("GUID", copyable(rejected.contact_guid))]
        )

    @display(description="Contact GUID")
    def shown_contact_guid(self, rejected):
        return copyable(rejected.contact_guid) if rejected.contact_guid else EMPTY

    @display(description="Request")
    def shown_request(self, rejected):
        rows: list[tuple[object, object]] = [("Id", copyable(rejected.request_id))]
        if rejected.may_see_activities and rejected.status in _RECORDED:
            url = changelist_url(Activity, f"q={rejected.request_id}")
            rows.append(("", link(url, "Show everything of this request")))
        if rejected.type_with_rules:
            rows.append(("Rules", link_to(rejected.type_with_rules)))
        return field_table(rows)

    @display(description="Length")
    def shown_length(self, rejected):
        kept, sent = len(rejected.payload), rejected.payload_length
        text = f"{sent:,} bytes were sent"
        return f"{text}, of which the first {kept:,} were kept" if kept < sent else text

    @display(description="Payload")
    def shown_payload(self, rejected):
        return readable_payload(rejected.shown_bytes)


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


def _only_type_of_request(rejected: RejectedActivity) -> ActivityType | None:
    """The type of what was recorded of the same request, unless there are several."""
    recorded = Activity.objects.filter(request_id=rejected.request_id)
    found = list(ActivityType.objects.filter(pk__in=recorded.values("type"))[:2])
    return found[0] if len(found) == 1 else None
