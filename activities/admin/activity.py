"""The activity log."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter

from activities.admin.activity_filters import PeriodFilter, TextFilter
from activities.admin.long_texts import without_long_texts
from activities.admin.personal_data import hide_personal_data
from activities.admin.searching import search_activities
from activities.models import Activity, DataInput
from adminsite.columns import Badge, Code, Column, Json, Moment, Short, labels_of, seen_by
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
)
from adminsite.options import EmptyState, ReadOnlyAdmin
from contacts.admin.naming import ContactColumn
from contacts.admin.permissions import may_see_contacts
from contacts.admin.snapshots import label_of
from jobs.models import Chore


def outcome(data_input: DataInput) -> str:
    """What became of a data input; one that waits after an attempt could not be applied."""
    is_failing = data_input.outcome == DataInput.Outcome.PENDING and data_input.attempts
    return _FAILING if is_failing else data_input.outcome


_FAILING = "failing"
OUTCOME = Badge(
    outcome,
    labels=labels_of(
        {
            DataInput.Outcome.PENDING: "info",
            DataInput.Outcome.APPLIED: "good",
            DataInput.Outcome.REDIRECTED: "warning",
        }
    )
    | {_FAILING: ("Could not be applied yet", "bad")},
)


def data_input_table(data_input: DataInput):
    """The fields that came with a data input, and what became of them."""
    rows = [(label_of(name), value) for name, value in data_input.fields.items()]
    rows.append(("Outcome", OUTCOME(data_input)))
    if data_input.last_error:
        rows.append(("Error", data_input.last_error))
        rows.append(("Next attempt", moment(data_input.due_at)))
        rows.append(("", link(changelist_url(Chore), "Try again, under Work")))
    if data_input.detail:
        rows.append(("Note", data_input.detail))
    if data_input.sent_by:
        rows.append(("Sent by", link_to(data_input.sent_by)))
    return field_table(rows)


def contact_fields(activity: Activity) -> SafeString | None:
    """What a data input told about its contact."""
    data_input = getattr(activity, "data_input", None)
    return data_input_table(data_input) if data_input else None


def names_of_contact_fields(activity: Activity) -> SafeString | None:
    """The same without the values."""
    data_input = getattr(activity, "data_input", None)
    if data_input is None:
        return None
    names = ", ".join(label_of(name) for name in data_input.fields)
    return field_table([("Given", names or EMPTY), ("Outcome", OUTCOME(data_input))])


def cross_site(activity: Activity) -> SafeString | str:
    """The tracked site of an activity, if it is of one."""
    return badge(f"Yes · {activity.tracked_site}", "info") if activity.tracked_site else ""


def logged_as(activity: Activity) -> SafeString:
    """The GUID in the request, and that of the contact today if it is another."""
    if activity.logged_as == activity.contact.guid:
        return copyable(activity.logged_as)
    return field_table(
        [
            ("Logged under", copyable(activity.logged_as)),
            ("Contact today", copyable(activity.contact.guid)),
            ("", "The contact was merged, or the data belonged to another contact."),
        ]
    )


def request_links(activity: Activity) -> SafeString:
    """The id of the request, and a link to all that came with it."""
    url = changelist_url(Activity, f"q={activity.request_id}")
    return field_table(
        [
            ("Id", copyable(activity.request_id)),
            ("", link(url, "Show everything of this request")),
        ]
    )


def register_consequence(column: Column) -> None:
    """Show on the page of each activity what came of it, as far as a room above knows."""
    _consequences.append(column)


_consequences: list[Column] = []
_TIME = Moment("occurred_at", "Time", seconds=True)
_CONTACT = ContactColumn()
_TYPE = Badge("type.name", kind="primary")
_CROSS_SITE = Column(cross_site, "Cross-site", empty="")
_CHANNEL = Short("channel.name")
_DATA_INPUT = Column(
    contact_fields,
    may_see=may_see_contacts,
    instead=Column(names_of_contact_fields, "Contact fields"),
)


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    list_title = "Activity log"
    list_help = "What contacts did, the latest first."
    list_display = (
        _TIME,
        _CONTACT,
        Short("title_start", "Title"),
        _TYPE,
        _CROSS_SITE,
        Short("url_start", "URL"),
        Short("referrer_start", "Referrer"),
        _CHANNEL,
    )
    list_filter = (
        ("type", RelatedDropdownFilter),
        ("channel", RelatedDropdownFilter),
        ("tracked_site", RelatedDropdownFilter),
        PeriodFilter,
        ("occurred_at", TimeRangeFilter),
    )
    longest_seconds = 5.0
    list_select_related = ("type", "contact", "channel", "tracked_site")
    ordering = ("-occurred_at", "-id")
    sortable_by = ()
    search_fields = ("request_id",)
    search_help_text = "Activity id, request id, GUID or whole email"
    fieldsets = (
        (None, {"fields": ("title", _TYPE, _CONTACT, Column("value"), _TIME)}),
        ("Where", {"fields": (_CHANNEL, _CROSS_SITE, Column("url", "URL"), Column("referrer"))}),
        ("What came with it", {"fields": (Json("properties"), _DATA_INPUT)}),
        (
            "How it arrived",
            {
                "fields": (
                    Code("pk", "Activity id"),
                    Moment("recorded_at", "Recorded", seconds=True),
                    Column(logged_as, "Logged under GUID"),
                    Code("client_id", "Id given by the application"),
                    Column(request_links, "Request"),
                )
            },
        ),
    )
    empty_state = EmptyState(
        icon="timeline",
        title="No activities yet",
        text=(
            "Page visits, clicks, data inputs and activities of your own types appear here as they "
            "come in. Something is missing? The inspector says what was rejected, and why."
        ),
        link_text="Open the inspector",
        link_view="admin:activities_rejectedactivity_changelist",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def get_list_filter(self, request: HttpRequest) -> tuple:
        # What texts contain is found letter by letter, so who may not see them may not ask.
        asks = (TextFilter,) if may_see_contacts(request.user) else ()
        return (*asks, *super().get_list_filter(request))

    def get_fieldsets(self, request: HttpRequest, obj=None) -> list:
        came = seen_by(request.user, _consequences)
        more = [("What came of it", {"fields": came})] if came else []
        return [*super().get_fieldsets(request, obj), *more]

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return without_long_texts(queryset, hides_personal_data=not may_see_contacts(request.user))

    def get_object(self, request, object_id, from_field=None):
        self_with_data_input = (
            super()
            .get_queryset(request)
            .select_related(*self.list_select_related, "data_input__sent_by")
        )
        try:
            activity = self_with_data_input.get(pk=object_id)
        except (Activity.DoesNotExist, ValueError):
            return None
        if not may_see_contacts(request.user):
            hide_personal_data(activity)
        return activity

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        return search_activities(queryset, term, by_email=may_see_contacts(request.user))

    def search_help(self, request: HttpRequest) -> str:
        if may_see_contacts(request.user):
            return self.search_help_text
        return "Activity id, request id or GUID"
