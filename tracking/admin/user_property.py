"""User properties: which of them belongs into which contact field."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from adminsite.columns import Short
from adminsite.options import EmptyState, HubAdmin
from tracking.models import UserProperty

_NAME = Short("name", "User property", ordering="name")


@admin.register(UserProperty)
class UserPropertyAdmin(HubAdmin):
    list_display = (_NAME, "contact_field")
    list_help = (
        "For Commanders Act-format events: what a property of “user” fills in the contact. A "
        "property without a line stays with the activity."
    )
    list_filter = (("contact_field", ChoicesDropdownFilter),)
    ordering = ("name",)
    sortable_by = (_NAME,)
    search_fields = ("name",)
    search_help_text = "User property"
    fields = ("name", "contact_field")
    empty_state = EmptyState(
        icon="badge",
        title="No user property goes to a contact field",
        text=(
            "Commanders Act-format events tell who a user is, such as “firstname”. Add a line for "
            "each property that contacts should have: without one it stays with the activity, and "
            "contacts get an email at most."
        ),
    )
