"""What the page of a contact group shows beside its form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from adminsite.searching import as_id
from contacts.admin.permissions import may_see_contacts
from contacts.admin.searching import search_contacts
from contacts.models import Contact
from groups.admin.causes import cause_of
from groups.admin.listing import as_of, change_of_a_day, kind, state, with_figures
from groups.admin.permissions import may_change_groups
from groups.conditions.wording import counted
from groups.models import ContactGroup, GroupBuild, Membership
from groups.problems import problems_of
from groups.rules import InvalidRule, parse
from groups.sentences import sentence

_PER_PAGE = 50
_BUILDS = 20
_FOUND = 10
# From so many seconds on, times are said in minutes.
_MINUTES_FROM = 120
# A build that is not over has something left, however long it lasts.
_MOST_PERCENT = 95
# How far back the chart goes.
_DAYS = 60
_WIDTH, _HEIGHT = 600, 120


def page_of(request: HttpRequest, group: ContactGroup) -> dict[str, Any]:
    """What the templates of a group's page need."""
    shows_people = may_see_contacts(request.user)
    return {
        **head_of(request, group),
        "shows_people": shows_people,
        "people": _members(request, group) if shows_people else None,
        "events": _events(request, group) if shows_people else None,
        "sizes": sizes_of(group),
        "builds": group.builds.select_related("requested_by").order_by("-id")[:_BUILDS],
        "problems": _problems(group),
        "sentence": said_of(group),
    }


def head_of(request: HttpRequest, group: ContactGroup) -> dict[str, Any]:
    """How a group is doing: the head of its page."""
    figures = with_figures(ContactGroup.objects.filter(pk=group.pk)).get()
    progress = progress_of(group)
    return {
        "facts": [
            ("Members", f"{memberships_of(group).count():,}"),
            ("In 24 hours", change_of_a_day(figures) or "No change"),
            ("Kind", kind(figures)),
            ("State", state(figures)),
            *([] if figures.static else [("As of", as_of(figures))]),
        ],
        **progress,
        "group": figures,
        "is_due": progress["build"] is None and figures.is_due,
        "may_change": may_change_groups(request.user),
    }


def progress_of(group: ContactGroup) -> dict[str, Any]:
    """How its build is doing: what the page asks for again and again while one runs."""
    waiting = group.builds.filter(status=GroupBuild.Status.WAITING)
    build = waiting.select_related("requested_by").first()
    is_begun = build is not None and build.started_at is not None
    last = _time_of_last_build(group) if is_begun else None
    return {
        "group": group,
        "build": build,
        "time_taken": _time_taken(build, last) if build else "",
        "share": _share(build, last) if build else None,
        "head_url": reverse("admin:groups_contactgroup_head", args=[group.pk]),
    }


def _time_of_last_build(group: ContactGroup) -> timedelta | None:
    """How long the last build that was done took."""
    last = group.builds.filter(status=GroupBuild.Status.DONE).order_by("-id").first()
    if last is None or last.started_at is None or last.finished_at is None:
        return None
    return last.finished_at - last.started_at


def _time_taken(build: GroupBuild, last: timedelta | None) -> str:
    """For how long a build has run, and how long the last one took; "" before it begins."""
    if build.started_at is None:
        return ""
    said = f"Begun {_seconds(timezone.now() - build.started_at)} ago"
    if last is not None:
        said += f"; the last build took {_seconds(last)}"
    return f"{said}."


def _share(build: GroupBuild, last: timedelta | None) -> int | None:
    """How far a build would be if it took as long as the last one, in percent; None if unknown.

    PostgreSQL reads for one statement, and says nothing of how far it is before its end.
    """
    if build.started_at is None or not last:
        return None
    share = (timezone.now() - build.started_at) / last
    return min(round(max(share, 0) * 100), _MOST_PERCENT)


def _seconds(time: timedelta) -> str:
    seconds = max(round(time.total_seconds()), 1)
    return counted(seconds, "second") if seconds < _MINUTES_FROM else f"{seconds // 60:,} minutes"


def memberships_of(group: ContactGroup) -> QuerySet[Membership]:
    """The rows of the members that count: a group that is switched off has none."""
    served = ContactGroup.objects.with_members().filter(pk=group.pk)
    return Membership.objects.filter(group__in=served)


def said_of(group: ContactGroup) -> str:
    """The rule of a group as a sentence; "" for a list."""
    if group.static:
        return ""
    try:
        return sentence(parse(group.rule))
    except InvalidRule as error:
        return str(error)


def _problems(group: ContactGroup) -> list[str]:
    if group.static:
        return []
    try:
        return [problem.text for problem in problems_of(parse(group.rule))]
    except InvalidRule as error:
        return [str(error)]


def _members(request: HttpRequest, group: ContactGroup) -> dict[str, Any]:
    """A page of the members, the latest contacts first, in the order of an index."""
    rows = memberships_of(group).select_related("contact").order_by("-contact_id")
    after = as_id(request.GET.get("after", ""))
    if after is not None:
        rows = rows.filter(contact_id__lt=after)
    found = list(rows[: _PER_PAGE + 1])
    shown = found[:_PER_PAGE]
    return {
        "rows": shown,
        "is_continued": after is not None,
        "next": f"?after={shown[-1].contact_id}#members" if len(found) > _PER_PAGE else "",
        **_search(request, group),
    }


def _search(request: HttpRequest, group: ContactGroup) -> dict[str, Any]:
    """The contacts that the search box of the page leads to, with whether they are members."""
    term = request.GET.get("find", "").replace("\0", "").strip()
    if not term:
        return {"term": "", "found": []}
    contacts = list(search_contacts(Contact.objects.live(), term).order_by("-pk")[:_FOUND])
    members = set(
        memberships_of(group).filter(contact__in=contacts).values_list("contact_id", flat=True)
    )
    return {"term": term, "found": [(one, one.pk in members) for one in contacts]}


def _events(request: HttpRequest, group: ContactGroup) -> dict[str, Any]:
    """A page of entries and exits, the latest first, with what brought them about."""
    rows = group.events.select_related("contact", "by").order_by("-at", "-id")
    before = as_id(request.GET.get("before", ""))
    last = group.events.filter(pk=before).first() if before is not None else None
    if last is not None:
        rows = rows.filter(Q(at__lte=last.at) & (Q(at__lt=last.at) | Q(pk__lt=last.pk)))
    found = list(rows[: _PER_PAGE + 1])
    shown = found[:_PER_PAGE]
    return {
        "rows": [(event, cause_of(event, request.user)) for event in shown],
        "is_continued": last is not None,
        "next": f"?before={shown[-1].pk}#history" if len(found) > _PER_PAGE else "",
    }


@dataclass(frozen=True)
class Sizes:
    """How many members a group had at the end of each day, and the line of a chart of that."""

    days: Sequence[tuple[date, int]]

    @property
    def most(self) -> int:
        return max(size for _, size in self.days)

    @property
    def line(self) -> str:
        """Points of an SVG in which zero is at the bottom."""
        step = _WIDTH / max(len(self.days) - 1, 1)
        return " ".join(
            f"{number * step:.1f},{_HEIGHT - size * _HEIGHT / max(self.most, 1):.1f}"
            for number, (_, size) in enumerate(self.days)
        )

    @property
    def area(self) -> str:
        """The same, closed along the bottom."""
        return f"0,{_HEIGHT} {self.line} {_WIDTH},{_HEIGHT}"


def sizes_of(group: ContactGroup, now: datetime | None = None) -> Sizes | None:
    """The size of a group at the end of the days since it was made, sixty at most.

    None if there is one day only: that is no line.
    """
    today = timezone.localdate(now)
    first = max(today - timedelta(days=_DAYS - 1), timezone.localdate(group.created_at))
    if first >= today:
        return None
    current = memberships_of(group).count()
    return Sizes(_walk_back(today, first, current, _differences(group, first)))


def _differences(group: ContactGroup, first: date) -> Mapping[date, int]:
    """By how much the group grew on each day since `first`."""
    since = timezone.make_aware(datetime(first.year, first.month, first.day))  # noqa: DTZ001
    by_day = (
        group.events.filter(at__gte=since)
        .order_by()
        .values(day=TruncDate("at"))
        .annotate(
            came=Count("pk", filter=Q(entered=True)), went=Count("pk", filter=Q(entered=False))
        )
    )
    return {row["day"]: row["came"] - row["went"] for row in by_day}


def _walk_back(
    today: date, first: date, current: int, differences: Mapping[date, int]
) -> list[tuple[date, int]]:
    days: list[tuple[date, int]] = []
    day, size_then = today, current
    while day >= first:
        days.append((day, max(size_then, 0)))
        size_then -= differences.get(day, 0)
        day -= timedelta(days=1)
    return days[::-1]
