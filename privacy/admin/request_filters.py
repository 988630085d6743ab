"""Filters of the list of requests."""

from collections.abc import Mapping
from datetime import date, timedelta

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from adminsite.filters import FormFilter
from privacy.models import PersonRequest
from privacy.models.requests import written
from privacy.requests.due import today

SOON = timedelta(days=7)


def overdue(rows: QuerySet) -> QuerySet:
    """Those of `rows` that are open although their last day is over."""
    return rows.filter(status=PersonRequest.Status.OPEN, due_on__lt=today())


def due_soon(rows: QuerySet) -> QuerySet:
    """Those of `rows` that are overdue, or due within seven days."""
    return rows.filter(status=PersonRequest.Status.OPEN, due_on__lte=today() + SOON)


class DueFilter(DropdownFilter):
    """How urgent a request is."""

    title = "due"
    parameter_name = "due"
    _WORDS = {"overdue": "overdue", "soon": "due within 7 days, or overdue"}

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("overdue", "Overdue"), ("soon", "Within 7 days, or overdue")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        narrow = {"overdue": overdue, "soon": due_soon}.get(self.value() or "")
        return narrow(queryset) if narrow else queryset

    def said(self) -> dict[str, str]:
        """The filter in words, with its parameter."""
        words = self._WORDS.get(self.value() or "")
        return {"due": words} if words else {}


class ReceivedFilter(FormFilter):
    """Requests that came between two days, both included."""

    title = "received"
    parameters = ("received_from", "received_to")

    def fields(self) -> Mapping[str, forms.Field]:
        labels = {"received_from": "From", "received_to": "Until"}
        return {
            name: forms.DateField(
                label=label,
                required=False,
                widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
            )
            for name, label in labels.items()
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if (since := self._day("received_from")) is not None:
            queryset = queryset.filter(received_on__gte=since)
        if (until := self._day("received_to")) is not None:
            queryset = queryset.filter(received_on__lte=until)
        return queryset

    def said(self) -> Mapping[str, str]:
        words = {"received_from": "received from {} on", "received_to": "received until {}"}
        return {
            name: text.format(written(day))
            for name, text in words.items()
            if (day := self._day(name)) is not None
        }

    def _day(self, name: str) -> date | None:
        try:
            return parse_date(self.given.get(name, ""))
        except ValueError:
            return None
