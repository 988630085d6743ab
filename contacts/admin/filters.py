"""Filters of the list of contacts."""

from django.db.models import Q
from unfold.contrib.filters.admin import DropdownFilter, RadioFilter

from contacts.places import country_names

_ANONYMOUS = Q(email="", first_name="", middle_name="", last_name="")


class KnownFilter(RadioFilter):
    """How much is known about who a contact is."""

    title = "what is known"
    parameter_name = "known"

    def lookups(self, request, model_admin):
        return [("email", "Email"), ("name", "Name, but no email"), ("nothing", "Anonymous")]

    def queryset(self, request, queryset):
        conditions = {
            "email": ~Q(email=""),
            "name": Q(email="") & ~_ANONYMOUS,
            "nothing": _ANONYMOUS,
        }
        return queryset.filter(conditions.get(self.value(), Q()))


class CountryFilter(DropdownFilter):
    """Contacts of one country, chosen by its name."""

    title = "country"
    parameter_name = "country"

    def lookups(self, request, model_admin):
        return list(country_names().items())

    def queryset(self, request, queryset):
        return (
            queryset.filter(country=self.value()) if self.value() in country_names() else queryset
        )
