"""Filters of lists that show what the dashboard counts."""

import re
from collections.abc import Callable
from urllib.parse import quote

from django.contrib.admin import ModelAdmin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, RadioFilter, TextFilter

from activities.admin.permissions import may_see_activities
from activities.models import Activity, ActivityType
from adminsite.filters import register_filter
from adminsite.periods import BadPeriod, Period, read_period
from automations.admin.permissions import may_see_emails
from automations.models import Email, EmailEvent
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from database.lookups import Among
from figures.admin.permissions import may_see_pages
from figures.looking import KINDS, people_of
from figures.sources import LEFT_OUT, LONGEST
from groups.admin.from_lists import leave_out

_WHO = {"seen": "Were here", "new": "New", "returning": "Came back", "known": "Known, were here"}
_OFFERED = ("today", "yesterday", "7", "30")
_NAMES = {"today": "today", "yesterday": "yesterday", "7": "in 7 days", "30": "in 30 days"}


class PeopleFilter(DropdownFilter):
    """Contacts who did something in a period, as the dashboard counts them.

    The list of a period that cannot be read is empty, so that nobody takes all contacts for it.
    """

    title = "who was here"
    parameter_name = "people"

    @property
    def sorts_by(self) -> str:
        """The column by which the list is sorted, the last first, unless the user chooses one."""
        return "last_seen" if self.value() else ""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        offered = [
            (f"{kind}.{key}", f"{_WHO[kind]} {_NAMES[key]}")
            for key in _OFFERED
            for kind in ("seen", "new", "returning")
        ]
        return _with_chosen(self, offered, _read)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        found = _read(self.value())
        if found is None:
            return queryset.none()
        kind, period = found
        return queryset.filter(Among("pk", people_of(period).of_kind(kind)))


def _read(value: str) -> tuple[str, Period] | None:
    kind, _, key = value.partition(".")
    return _read_period_of(kind, key) if kind in KINDS else None


def _read_period_of(kind: str, key: str) -> tuple[str, Period] | None:
    try:
        return kind, read_period(key)
    except BadPeriod:
        return None


def _with_chosen(
    chosen_in: DropdownFilter,
    offered: list[tuple[str, str]],
    read: Callable[[str], tuple[str, Period] | None],
) -> list[tuple[str, str]]:
    """What is offered, and what was chosen on the dashboard if that is something else."""
    given = chosen_in.used_parameters.get(chosen_in.parameter_name)
    value = given[0] if isinstance(given, list) else given
    found = read(value) if value else None
    if found is None or value in dict(offered):
        return offered
    kind, period = found
    labels: dict[str, str] = {**_WHO, **dict(EmailEvent.Kind.choices)}
    return [*offered, (value, f"{labels[kind]}: {period.name}")]


class BecameFilter(DropdownFilter):
    """Emails that were sent, opened or clicked in a period, as the dashboard counts them."""

    title = "what became of it"
    parameter_name = "became"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        offered = [
            (f"{kind.value}.{key}", f"{kind.label} {_NAMES[key]}")
            for key in _OFFERED
            for kind in EmailEvent.Kind
        ]
        return _with_chosen(self, offered, _read_event)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        found = _read_event(self.value())
        if found is None:
            return queryset.none()
        kind, period = found
        # What programs did is not counted.
        events = EmailEvent.objects.filter(
            kind=kind, at__gte=period.since, at__lt=period.until, by_robot=False
        )
        return queryset.filter(Exists(events.filter(email=OuterRef("pk"))))


def _read_event(value: str) -> tuple[str, Period] | None:
    kind, _, key = value.partition(".")
    return _read_period_of(kind, key) if kind in EmailEvent.Kind.values else None


class GoalFilter(RadioFilter):
    """Activities of the types that are goals."""

    title = "conversion"
    parameter_name = "goal"

    def lookups(self, request, model_admin):
        return [("1", "Conversions")]

    def queryset(self, request, queryset):
        if self.value() != "1":
            return queryset
        goals = ActivityType.objects.filter(goal=True)
        return queryset.filter(type__in=list(goals.values_list("pk", flat=True)))


class _PatternFilter(TextFilter):
    """Activities of which an address matches what was entered; in Python's words and PostgreSQL's.

    Nothing that was entered is a pattern.
    """

    def condition(self, text: str) -> Q:
        raise NotImplementedError

    def queryset(self, request, queryset):
        text = (self.value() or "").strip()
        return queryset.filter(self.condition(text)) if text else queryset


class PageFilter(_PatternFilter):
    title = "page"
    parameter_name = "page"

    def condition(self, text: str) -> Q:
        end = "" if len(text) >= LONGEST else r"/*([?#].*)?$"
        return Q(url__iregex=rf"^([^:/]+://)?([^/@]*@)?{_literal(text.rstrip('/'))}{end}")


class ReferrerFilter(_PatternFilter):
    title = "referring website"
    parameter_name = "referrer"

    def condition(self, text: str) -> Q:
        return Q(referrer__iregex=rf"^[^:/]+://([^/@]*@)?{_literal(text)}([/?#].*)?$")


class CampaignFilter(_PatternFilter):
    title = "campaign"
    parameter_name = "campaign"

    def condition(self, text: str) -> Q:
        source, _, campaign = text.partition(" / ")
        condition = Q(url__iregex=_given("utm_source", source))
        return (
            condition & Q(url__iregex=_given("utm_campaign", campaign)) if campaign else condition
        )


def _given(name: str, value: str) -> str:
    """What finds a parameter of a URL with this value, however it is escaped."""
    parts = "[^&#]*".join(map(_escaped, value.split(LEFT_OUT)))
    return f"[?&]{name}={parts}(&|#|$)"


def _escaped(text: str) -> str:
    return "".join(
        letter
        if letter.isascii() and letter.isalnum()
        else rf"(\+|%20|{_literal(letter)})"
        if letter == " "
        else f"({_literal(letter)}|{quote(letter, safe='')})"
        for letter in text
    )


def _literal(text: str) -> str:
    return ".*".join(map(re.escape, text.split(LEFT_OUT)))


register_filter(Contact, PeopleFilter, may_see=may_see_contacts)
register_filter(Email, BecameFilter, may_see=may_see_emails)
register_filter(Activity, GoalFilter, may_see=may_see_activities)
for _filter in (PageFilter, ReferrerFilter, CampaignFilter):
    register_filter(Activity, _filter, may_see=may_see_pages)
for _filter in (PeopleFilter, GoalFilter, PageFilter, ReferrerFilter, CampaignFilter):
    leave_out(_filter.parameter_name, _filter.title)
