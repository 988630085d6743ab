"""What the list of contacts tells of their activities: when the last one was, and where.

When they were last active is read of what a reader keeps, a second or so behind the log.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import unquote, urlsplit

from django import forms
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Left
from django.http import HttpRequest

from activities.admin.permissions import may_see_activities
from activities.models import Activity, ContactSeen
from adminsite.columns import Moment
from adminsite.filters import FormFilter, choice_field, register_filter
from adminsite.last_days import PERIODS, last_days, read_days, since
from contacts.admin.columns import Trace, register_column, register_trace
from contacts.models import Contact

_ASKED = re.compile(r"(within|not|back)-([0-9]{1,6})")
NEVER = "never"
_LONGEST = 300


class LastActivityFilter(FormFilter):
    """Contacts who were active of late, came back, or were not seen for long.

    Who came back was active in the period, and for the first time before it.
    """

    title = "last activity"
    parameters = ("seen",)

    def fields(self) -> Mapping[str, forms.Field]:
        offered = [
            *(f"within-{days}" for days in PERIODS),
            *(f"back-{days}" for days in (1, 7, 30)),
            *(f"not-{days}" for days in (30, 90, 365)),
            NEVER,
        ]
        if self._words(given := self.given.get("seen", "")) and given not in offered:
            offered.append(given)
        choices = [(one, self._words(one).capitalize()) for one in offered]
        return {"seen": choice_field("Last activity", choices)}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        asked, days = self._asked
        if asked == NEVER:
            return queryset.filter(~Exists(_seen()))
        if not days:
            return queryset
        begin = since(days)
        if asked == "not":
            return queryset.filter(~Exists(_seen().filter(last_seen__gt=begin)))
        lately = queryset.filter(seen__last_seen__gt=begin)
        return lately.filter(seen__first_seen__lte=begin) if asked == "back" else lately

    def said(self) -> Mapping[str, str]:
        words = self._words(self.given.get("seen", ""))
        return {"seen": words} if words else {}

    @property
    def sorts_by(self) -> str:
        """The column by which the list is sorted, the last first, unless the user chooses one."""
        asked, days = self._asked
        return "last_seen" if days and asked in ("within", "back") else ""

    @cached_property
    def _asked(self) -> tuple[str, int | None]:
        return read_last_activity(self.given.get("seen", ""))

    @staticmethod
    def _words(given: str) -> str:
        asked, days = read_last_activity(given)
        if asked == NEVER:
            return "was never active"
        if not days:
            return ""
        if asked == "not":
            return "not active " + last_days(days)
        return f"{'came back' if asked == 'back' else 'was active'} {last_days(days)}"


def read_last_activity(given: str) -> tuple[str, int | None]:
    """What the filter by last activity asks for, and how many days back; "" if for nothing."""
    if given == NEVER:
        return NEVER, None
    found = _ASKED.fullmatch(given)
    return (found[1], read_days(found[2])) if found else ("", None)


def _seen() -> QuerySet[ContactSeen]:
    return ContactSeen.objects.filter(contact=OuterRef("pk"))


def _last_seen() -> Subquery:
    return Subquery(_seen().values("last_seen"))


def _text_of(name: str, *order: str) -> Subquery:
    """The beginning of a text of a contact's first activity in this order, by the index of them."""
    rows = Activity.objects.filter(contact=OuterRef("pk")).order_by(*order)
    return Subquery(rows.values(start=Left(name, _LONGEST))[:1])


def _last_url() -> Subquery:
    return _text_of("url", "-occurred_at", "-id")


def _first_referrer() -> Subquery:
    return _text_of("referrer", "occurred_at", "id")


def said_page(url: str) -> str:
    """The page of a URL, such as “on /loans”."""
    parts = _split(url)
    path = unquote(parts[1]).rstrip("/") if parts else ""
    return f"on {path or '/'}" if parts and parts[0] else ""


def said_source(referrer: str) -> str:
    """The website that a referrer is of, such as “from google.com”."""
    parts = _split(referrer)
    return f"from {parts[0].removeprefix('www.')}" if parts and parts[0] else ""


def _split(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.path
    except ValueError:
        return None


register_trace(Trace("last_url", _last_url, said_page, may_see_activities))
register_trace(Trace("first_referrer", _first_referrer, said_source, may_see_activities))
register_column(
    Moment(
        "last_seen",
        "Last activity",
        ordering="seen__last_seen",
        may_see=may_see_activities,
        left_out="In this order, contacts who were never active are left out.",
    ),
    value=_last_seen,
)
register_filter(Contact, LastActivityFilter, may_see=may_see_activities)
