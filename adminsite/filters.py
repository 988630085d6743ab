"""Filters of the admin's lists, and those that apps add to the lists of others."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib.admin import ListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_time
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from adminsite.looking import Look
from adminsite.permissions import AnyUser, May

_LONGEST_TEXT = 500
# With a time, and without.
_SAID = ("j M Y H:i", "j M Y")

# The filters that apps above have added to the list of a model, with who may use each.
_added: dict[type[Model], list[tuple[type[ListFilter], May]]] = defaultdict(list)


def register_filter(model: type[Model], list_filter: type[ListFilter], *, may_see: May) -> None:
    """Add a filter at the end of those of the admin's list of `model`.

    Users for whom `may_see` is false are not offered it, and their list refuses its parameter.
    """
    _added[model].append((list_filter, may_see))


def added_filters(model: type[Model], user: AnyUser) -> tuple[type[ListFilter], ...]:
    """The filters that apps have added to the list of `model`, as far as this user may use them."""
    return tuple(one for one, may_see in _added.get(model, ()) if may_see(user))


class FormFilter(ABC, ListFilter):
    """A filter of several parameters, which a form asks for. What is given stands in `given`.

    It finds rows by `queryset`, or by a `look` at each where no index serves it.
    """

    title = ""
    template = "unfold/filters/filters_field.html"
    parameters: ClassVar[tuple[str, ...]] = ()

    def __init__(self, request: HttpRequest, params: dict, model: type[Model], model_admin):
        super().__init__(request, params, model, model_admin)
        self.parameter_name = self.parameters[0]
        self.given: dict[str, str] = {}
        for name in self.parameters:
            values = [value.strip() for value in params.pop(name, [])]
            self.used_parameters[name] = " ".join(values)
            if filled := [value[:_LONGEST_TEXT] for value in values if value]:
                self.given[name] = filled[-1]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameters)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset

    def look(self) -> Look | None:
        """What has to be looked for in each row, if anything is."""
        return None

    @abstractmethod
    def fields(self) -> Mapping[str, forms.Field]:
        """The fields of the form, by their parameters."""

    @abstractmethod
    def said(self) -> Mapping[str, str]:
        """What is given in words, by parameter; one without words has no effect."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        form = forms.Form(data=self.given)
        form.fields.update(self.fields())
        yield {"form": form}


def text_field(label: str, help_text: str = "") -> forms.CharField:
    """A text in the form of a filter."""
    return forms.CharField(
        label=label, required=False, help_text=help_text, widget=UnfoldAdminTextInputWidget()
    )


def choice_field(label: str, choices: list[tuple[str, str]]) -> forms.ChoiceField:
    """A choice in the form of a filter, where nothing is chosen at first."""
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=[("", "Any"), *choices],
        widget=UnfoldAdminSelectWidget(),
    )


class TimeRangeFilter(RangeDateTimeFilter):
    """From one time to another, both included; a day without a time is the whole day."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        since = self._moment("from", time.min)
        until = self._moment("to", time(23, 59))
        if since is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": since})
        if until is not None:
            # The form knows minutes: all of the last one belongs to the range.
            end = until + timedelta(minutes=1) if until.second == 0 else until
            queryset = queryset.filter(**{f"{self.field_path}__lt": end})
        return queryset

    def said(self) -> dict[str, str]:
        """The range in words, with its parameters."""
        words = []
        for end, missing, word in (("from", time.min, "from"), ("to", time(23, 59), "until")):
            if (at := self._moment(end, missing)) is not None:
                is_day = timezone.localtime(at).time() == missing
                words.append(f"{word} {format_date(timezone.localtime(at), _SAID[is_day])}")
        name = f"{self.parameter_name}_"
        return {name: f"{self.title} {' '.join(words)}"} if words else {}

    def _moment(self, end: str, missing_time: time) -> datetime | None:
        return read_moment(self._given(end, 0), self._given(end, 1), missing_time)

    def _given(self, end: str, part: int) -> str:
        return self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") or ""


def read_moment(day: str, at: str, missing_time: time) -> datetime | None:
    """A day and a time in the zone of the user, as forms send them; None if there is none such."""
    try:
        found_day, found_time = parse_date(day), parse_time(at)
    except ValueError:
        return None
    if found_day is None or not 1 < found_day.year < 9999:
        return None
    found = found_time.replace(tzinfo=None) if found_time else missing_time
    return timezone.make_aware(datetime.combine(found_day, found))
