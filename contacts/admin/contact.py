"""Contacts: the list, and one contact's page."""

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST

from adminsite.careful import CarefulAdmin
from adminsite.columns import Moment, Short
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import change_url
from adminsite.options import EmptyState
from contacts.admin.annotations import annotation_urls
from contacts.admin.card import build_card
from contacts.admin.columns import added_columns, said_traces, with_traces, with_values
from contacts.admin.field_history import explain_fields_of, revert
from contacts.admin.filters import CountryFilter, CreatedFilter, KnownFilter
from contacts.admin.forms import ContactForm
from contacts.admin.merging import merge_two_contacts
from contacts.admin.naming import may_see_contacts
from contacts.admin.searching import search_contacts
from contacts.admin.sections import build_sections
from contacts.admin.timeline_section import older_entries
from contacts.changes import Origin, change_contact, create_contact
from contacts.erased_names import NameErased
from contacts.merging import choose_survivor, lock_live
from contacts.models import Contact, ContactChange
from contacts.places import country_names
from contacts.profile import FIELDS

_CREATED = Moment("created_at", "Created", ordering="created_at")


def name(contact: Contact) -> str:
    """What the list calls a contact, next to its email; anonymous ones by what tells them apart."""
    if contact.full_name:
        return contact.full_name
    if contact.email:
        return contact.email.partition("@")[0]
    said = [*said_traces(contact), contact.city and f"in {contact.city}"]
    words = " ".join(filter(None, said))
    return f"{contact.short_code} {words}" if words else contact.anonymous_name


def country(contact: Contact) -> str:
    """The name of the country of a contact."""
    return country_names().get(contact.country, contact.country)


@admin.register(Contact)
class ContactAdmin(CarefulAdmin):
    form = ContactForm
    refusals = (IntegrityError, NameErased)
    list_display = (
        Short(name, "Name"),
        Short("email"),
        Short("company_name", "Company"),
        Short(country, "Country"),
        _CREATED,
    )
    list_filter = (KnownFilter, CountryFilter, CreatedFilter, ("created_at", TimeRangeFilter))
    longest_seconds = 5.0
    ordering = ("-created_at", "-id")
    sortable_by = (_CREATED,)
    search_fields = ("email",)
    search_help_text = "Any part of a name, email, company, phone, GUID or identifier"
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
        # Who is being erased has a row for some seconds more.
        there = super().get_queryset(request).exclude(merged_into=F("pk"))
        return there.select_related("merged_into")

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        live = queryset.filter(merged_into__isnull=True)
        return with_traces(with_values(live, added_columns(request.user)), request.user)

    def get_list_display(self, request):
        return (*super().get_list_display(request), *added_columns(request.user))

    def get_sortable_by(self, request):
        added = (column for column in added_columns(request.user) if column.ordering)
        return (*super().get_sortable_by(request), *added)

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        return search_contacts(queryset, term)

    def get_form(self, request, *args, **kwargs):
        form = super().get_form(request, *args, **kwargs)
        form.may_name_others = may_see_contacts(request.user)
        return form

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
        timeline = path(
            "<int:contact_id>/timeline/",
            require_GET(self.admin_site.admin_view(self.timeline_view)),
            name="contacts_contact_timeline",
        )
        revert = path(
            "<int:contact_id>/revert/",
            require_POST(self.admin_site.admin_view(self.revert_view)),
            name="contacts_contact_revert",
        )
        return [merge, timeline, revert, *annotation_urls(self), *super().get_urls()]

    def timeline_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """More of a contact's timeline, which its page puts below what it has."""
        contact = self.get_object(request, str(contact_id))
        if not self.has_view_permission(request, contact):
            raise PermissionDenied
        if contact is None:
            raise Http404("There is no such contact.")
        return older_entries(request, contact)

    def revert_view(self, request, contact_id):
        """Give one field of a contact the value that it had before a change."""
        contact = self.get_object(request, str(contact_id))
        if contact is None:
            raise Http404("There is no such contact.")
        if not self.has_change_permission(request, contact):
            raise PermissionDenied
        level, text = revert(contact, request.POST, request.user)
        self.message_user(request, text, level)
        return HttpResponseRedirect(f"{change_url(contact)}#history")

    def merge_view(self, request, survivor_id, loser_id):
        return merge_two_contacts(self, request, survivor_id, loser_id)

    @admin.action(description="Merge the two selected contacts", permissions=["change"])
    def merge_selected(self, request, queryset):
        chosen = list(queryset.order_by("pk")[:3])
        if len(chosen) != 2:
            self.message_user(
                request, "Select exactly two contacts to merge them into one.", messages.WARNING
            )
            return None
        survivor, loser = choose_survivor(*chosen)
        pair = [survivor.pk, loser.pk]
        return HttpResponseRedirect(reverse("admin:contacts_contact_merge", args=pair))

    def may_be_told(self, error: Exception) -> bool:
        # Another user saved this email after the form had looked, or its owner was erased: now the
        # form finds out by itself.
        return isinstance(error, NameErased) or "one_live_contact_per_email" in str(error)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            context["sections"] = build_sections(request, obj)
            explain_fields_of(context["adminform"].form, context["sections"])
            context["card"] = build_card(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request, obj, form, change):
        # Only what was edited: a data input may have changed other fields in the meantime.
        names = form.changed_data if change else FIELDS
        fields = {name: form.cleaned_data[name] for name in names}
        origin = Origin(ContactChange.Source.ADMIN, by=request.user)
        if change:
            (locked,) = lock_live(obj.pk)
            change_contact(locked, fields, origin)
        else:
            new = create_contact(fields, origin, guid=obj.guid, created_at=obj.created_at)
            obj.pk, obj._state.adding = new.pk, False

    def log_change(self, request, obj, message):
        return self._without_personal_data(super().log_change(request, obj, message), obj)

    def log_addition(self, request, obj, message):
        return self._without_personal_data(super().log_addition(request, obj, message), obj)

    def _without_personal_data(self, entry: LogEntry, contact: Contact) -> LogEntry:
        # The admin's own history outlives a contact who asks to be forgotten.
        entry.object_repr = str(contact.guid)
        entry.save(update_fields=["object_repr"])
        return entry
