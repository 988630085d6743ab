"""Filters of the activity log that ask for a text or a contact."""

from collections.abc import Mapping

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from activities.models import Activity
from adminsite.filters import FormFilter, choice_field, text_field
from adminsite.last_days import last_days, offered, read_days, since
from adminsite.looking import Conditions, Look
from adminsite.searching import has_word
from contacts.admin.searching import contact_named
from contacts.models import Contact


class TextFilter(FormFilter):
    """Activities by what their URL, source and value contain, and by their contact.

    For users who may see contacts: texts tell what one person did.
    """

    title = "what is in them"
    parameters = ("url", "source", "value", "contact")

    def fields(self) -> Mapping[str, forms.Field]:
        return {
            "url": text_field("URL contains"),
            "source": text_field("Came from", "Of the referrer, or the utm_source of the URL."),
            "value": text_field("Value contains"),
            "contact": text_field("Contact", "A GUID, or a whole email."),
        }

    @cached_property
    def contact(self) -> Contact | None:
        """The contact that is asked for, if there is one like that."""
        return contact_named(self.given["contact"], by_email=True)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if "contact" not in self.given:
            return queryset
        return queryset.filter(contact=self.contact) if self.contact else queryset.none()

    def look(self) -> Look | None:
        asked = Q()
        for name in ("url", "value"):
            if text := self.given.get(name):
                asked &= has_word((name,), text)
        if source := self.given.get("source"):
            asked &= has_word(("referrer",), source) | has_word(("url",), f"utm_source={source}")
        return Conditions(Activity, asked) if asked else None

    def said(self) -> Mapping[str, str]:
        given = self.given
        said = {}
        if "url" in given:
            said["url"] = f"URL contains “{given['url']}”"
        if "source" in given:
            said["source"] = f"came from “{given['source']}”"
        if "value" in given:
            said["value"] = f"value contains “{given['value']}”"
        if "contact" in given:
            name = self.contact if self.contact else given["contact"]
            said["contact"] = f"of “{name}”"
        return said


class PeriodFilter(FormFilter):
    """Activities of some days up to now."""

    title = "period"
    parameters = ("within",)

    @property
    def days(self) -> int | None:
        """How many days back, if that is given."""
        return read_days(self.given.get("within", ""))

    def fields(self) -> Mapping[str, forms.Field]:
        return {"within": choice_field("When", offered(self.days))}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(occurred_at__gt=since(self.days)) if self.days else queryset

    def said(self) -> Mapping[str, str]:
        return {"within": last_days(self.days)} if self.days else {}
