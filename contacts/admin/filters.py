"""Filters of the list of contacts."""

from collections.abc import Mapping

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, RadioFilter

from adminsite.filters import FormFilter, choice_field
from adminsite.last_days import last_days, offered, read_days, since
from contacts.admin.columns import ANONYMOUS
from contacts.places import country_names


class KnownFilter(RadioFilter):
    """How much is known about who a contact is."""

    title = "what is known"
    parameter_name = "known"

    def lookups(self, request, model_admin):
        return [("email", "Email"), ("name", "Name, but no email"), ("nothing", "Anonymous")]

    def queryset(self, request, queryset):
        conditions = {
            "email": ~Q(email=""),
            "name": Q(email="") & ~ANONYMOUS,
            "nothing": ANONYMOUS,
        }
        return queryset.filter(conditions.get(self.value(), Q()))

    def said(self) -> dict[str, str]:
        """The filter in words, with its parameter."""
        words = {
            "email": "with an email",
            "name": "with a name, but no email",
            "nothing": "anonymous",
        }
        value = self.value()
        return {"known": words[value]} if value in words else {}


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

    def said(self) -> dict[str, str]:
        """The filter in words, with its parameter."""
        name = country_names().get(self.value() or "")
        return {"country": f"from {name}"} if name else {}


class CreatedFilter(FormFilter):
    """Contacts that were created within some days up to now."""

    title = "new"
    parameters = ("created",)

    @property
    def days(self) -> int | None:
        """How many days back, if that is given."""
        return read_days(self.given.get("created", ""))

    def fields(self) -> Mapping[str, forms.Field]:
        return {"created": choice_field("New", offered(self.days))}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(created_at__gt=since(self.days)) if self.days else queryset

    def said(self) -> Mapping[str, str]:
        return {"created": f"created {last_days(self.days)}"} if self.days else {}
