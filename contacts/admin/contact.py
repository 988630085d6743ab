"""Contacts: the list, and one contact's page."""

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import path, reverse
from unfold.decorators import display

from adminsite.filters import TimeRangeFilter
from adminsite.formatting import moment, shortened
from adminsite.options import EmptyState, HubAdmin
from contacts.admin.columns import add_values, columns_for
from contacts.admin.filters import CountryFilter, KnownFilter
from contacts.admin.forms import ContactForm
from contacts.admin.merging import merge_two_contacts
from contacts.admin.searching import search_contacts
from contacts.admin.sections import build_sections
from contacts.models import Contact
from contacts.places import country_names


@admin.register(Contact)
class ContactAdmin(HubAdmin):
    form = ContactForm
    list_display = (
        "shown_name",
        "shown_email",
        "shown_company",
        "shown_country",
        "shown_created",
    )
    list_filter = (KnownFilter, CountryFilter, ("created_at", TimeRangeFilter))
    ordering = ("-created_at", "-id")
    sortable_by = ("shown_created",)
    search_fields = ("email",)
    search_help_text = "Name, email, GUID or identifier"
    actions = ("merge_selected",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "email",
                    "first_name",
                    "middle_name",
                    "last_name",
                    "birthday",
                )
            },
        ),
        ("Work", {"fields": ("company_name", "job_title", "business_phone")}),
        ("Home", {"fields": ("mobile_phone", "address1", "zip", "city", "country", "state")}),
        ("Notes", {"fields": ("notes",)}),
    )
    empty_state = EmptyState(
        icon="group",
        title="No contacts yet",
        text=(
            "A contact appears here as soon as a website, an app or a server reports the first "
            "person. Create a channel and an API key for it, then send the first activity."
        ),
        link_text="Go to the channels",
        link_view="admin:channels_channel_changelist",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("merged_into")

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return add_values(queryset.filter(merged_into__isnull=True), columns_for(request))

    def get_list_display(self, request):
        added = [column.as_display() for column in columns_for(request)]
        return (*super().get_list_display(request), *added)

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        return search_contacts(queryset, term)

    def has_change_permission(self, request, obj=None) -> bool:
        is_merged = obj is not None and obj.merged_into_id is not None
        return not is_merged and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    def get_urls(self):
        merge = path(
            "merge/<int:survivor_id>/<int:loser_id>/",
            self.admin_site.admin_view(self.merge_view),
            name="contacts_contact_merge",
        )
        return [merge, *super().get_urls()]

    def merge_view(self, request, survivor_id, loser_id):
        return merge_two_contacts(self, request, survivor_id, loser_id)

    @admin.action(description="Merge the selected contacts", permissions=["change"])
    def merge_selected(self, request, queryset):
        ids = list(queryset.order_by("pk").values_list("pk", flat=True)[:3])
        if len(ids) != 2:
            self.message_user(
                request, "Select exactly two contacts to merge them into one.", messages.WARNING
            )
            return None
        return HttpResponseRedirect(reverse("admin:contacts_contact_merge", args=ids))

    def changeform_view(self, request, *args, **kwargs):
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError as error:
            if "one_live_contact_per_email" not in str(error):
                raise
        # Somebody else saved this email after the form had looked: now it finds that contact.
        return super().changeform_view(request, *args, **kwargs)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            context["sections"] = build_sections(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request, obj, form, change):
        # Only what was edited: a data input may have changed other fields in the meantime.
        obj.save(update_fields=form.changed_data) if change else obj.save()

    def log_change(self, request, obj, message):
        return self._without_personal_data(super().log_change(request, obj, message), obj)

    def log_addition(self, request, obj, message):
        return self._without_personal_data(super().log_addition(request, obj, message), obj)

    def _without_personal_data(self, entry: LogEntry, contact: Contact) -> LogEntry:
        # The admin's own history outlives a contact who asks to be forgotten.
        entry.object_repr = str(contact.guid)
        entry.save(update_fields=["object_repr"])
        return entry

    @display(description="Name")
    def shown_name(self, contact):
        if contact.full_name:
            return shortened(contact.full_name)
        return "Anonymous" if contact.email else shortened(contact.display_name)

    @display(description="Email")
    def shown_email(self, contact):
        return shortened(contact.email)

    @display(description="Company")
    def shown_company(self, contact):
        return shortened(contact.company_name)

    @display(description="Country")
    def shown_country(self, contact):
        return shortened(country_names().get(contact.country, contact.country))

    @display(description="Created", ordering="created_at")
    def shown_created(self, contact):
        return moment(contact.created_at)
