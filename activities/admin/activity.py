"""The activity log."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from activities.admin.long_texts import without_long_texts
from activities.admin.personal_data import hide_personal_data
from activities.admin.searching import search_activities
from activities.models import Activity, DataInput
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
    pretty_json,
    shortened,
)
from adminsite.options import EmptyState, ReadOnlyAdmin
from contacts.admin.naming import NamingAdmin, may_see_contacts
from contacts.admin.snapshots import label_of

OUTCOME_KINDS: dict[str, str] = {
    DataInput.Outcome.PENDING: "info",
    DataInput.Outcome.APPLIED: "good",
    DataInput.Outcome.REDIRECTED: "warning",
}


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin, NamingAdmin):
    list_title = "Activity log"
    list_help = "What contacts did, the latest first."
    list_display = (
        "shown_at",
        "shown_contact",
        "shown_title",
        "shown_type",
        "shown_cross_site",
        "shown_url",
        "shown_referrer",
        "shown_channel",
    )
    list_filter = (
        ("type", RelatedDropdownFilter),
        ("channel", RelatedDropdownFilter),
        ("tracked_site", RelatedDropdownFilter),
        ("occurred_at", TimeRangeFilter),
    )
    list_select_related = ("type", "contact", "channel", "tracked_site")
    ordering = ("-occurred_at", "-id")
    sortable_by = ()
    search_fields = ("request_id",)
    search_help_text = "Activity id, request id, GUID or whole email"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "title",
                    "shown_type",
                    "shown_contact",
                    "full_value",
                    "shown_at",
                )
            },
        ),
        (
            "Where",
            {"fields": ("shown_channel", "shown_cross_site", "full_url", "full_referrer")},
        ),
        ("What came with it", {"fields": ("shown_properties", "shown_data_input")}),
        (
            "How it arrived",
            {
                "fields": (
                    "shown_id",
                    "shown_recorded",
                    "shown_logged_as",
                    "shown_client_id",
                    "shown_request",
                )
            },
        ),
    )
    instead_of_names = {
        "shown_contact": "shown_contact_guid",
        "shown_data_input": "shown_data_input_outcome",
    }
    readonly_fields = (
        *(name for _, options in fieldsets for name in options["fields"]),
        *instead_of_names.values(),
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

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return without_long_texts(queryset, hides_personal_data=not may_see_contacts(request))

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
        if not may_see_contacts(request):
            hide_personal_data(activity)
        return activity

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        return search_activities(queryset, term, by_email=may_see_contacts(request))

    @display(description="Time")
    def shown_at(self, activity):
        return moment(activity.occurred_at, seconds=True)

    @display(description="Contact")
    def shown_contact(self, activity):
        return link_to(activity.contact)

    @display(description="Contact")
    def shown_contact_guid(self, activity):
        return copyable(activity.contact.guid)

    @display(description="Title")
    def shown_title(self, activity):
        return shortened(activity.title_start)

    @display(description="Type")
    def shown_type(self, activity):
        return badge(activity.type.name, "primary")

    @display(description="URL")
    def shown_url(self, activity):
        return shortened(activity.url_start)

    @display(description="Referrer")
    def shown_referrer(self, activity):
        return shortened(activity.referrer_start)

    @display(description="Channel")
    def shown_channel(self, activity):
        return shortened(activity.channel.name)

    @display(description="Cross-site")
    def shown_cross_site(self, activity):
        return badge(f"Yes · {activity.tracked_site}", "info") if activity.tracked_site else ""

    @display(description="Value")
    def full_value(self, activity):
        return activity.value or EMPTY

    @display(description="URL")
    def full_url(self, activity):
        return activity.url or EMPTY

    @display(description="Referrer")
    def full_referrer(self, activity):
        return activity.referrer or EMPTY

    @display(description="Properties")
    def shown_properties(self, activity):
        return pretty_json(activity.properties) if activity.properties is not None else EMPTY

    @display(description="Contact fields")
    def shown_data_input(self, activity):
        data_input = getattr(activity, "data_input", None)
        return data_input_table(data_input) if data_input else EMPTY

    @display(description="Contact fields")
    def shown_data_input_outcome(self, activity):
        data_input = getattr(activity, "data_input", None)
        if data_input is None:
            return EMPTY
        names = ", ".join(label_of(name) for name in data_input.fields)
        return field_table([("Given", names or EMPTY), ("Outcome", outcome_badge(data_input))])

    @display(description="Activity id")
    def shown_id(self, activity):
        return copyable(activity.pk)

    @display(description="Recorded")
    def shown_recorded(self, activity):
        return moment(activity.recorded_at, seconds=True)

    @display(description="Logged under GUID")
    def shown_logged_as(self, activity):
        if activity.logged_as == activity.contact.guid:
            return copyable(activity.logged_as)
        return field_table(
            [
                ("Logged under", copyable(activity.logged_as)),
                ("Contact today", copyable(activity.contact.guid)),
                ("", "The contact was merged, or the data belonged to another contact."),
            ]
        )

    @display(description="Id given by the application")
    def shown_client_id(self, activity):
        return copyable(activity.client_id) if activity.client_id else EMPTY

    @display(description="Request")
    def shown_request(self, activity):
        url = changelist_url(Activity, f"q={activity.request_id}")
        return field_table(
            [
                ("Id", copyable(activity.request_id)),
                ("", link(url, "Show everything of this request")),
            ]
        )


def data_input_table(data_input: DataInput):
    """The fields that came with a data input, and what became of them."""
    rows = [(label_of(name), value) for name, value in data_input.fields.items()]
    rows.append(("Outcome", outcome_badge(data_input)))
    if data_input.detail:
        rows.append(("Note", data_input.detail))
    if data_input.sent_by:
        rows.append(("Sent by", link_to(data_input.sent_by)))
    return field_table(rows)


def outcome_badge(data_input: DataInput):
    """What became of a data input."""
    return badge(data_input.get_outcome_display(), OUTCOME_KINDS[data_input.outcome])
