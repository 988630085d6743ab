"""What the dashboard says about activities and conversions."""

from collections.abc import Iterable, Mapping

from django.http import HttpRequest

from activities.admin.permissions import may_see_activities
from activities.models import ActivityType
from adminsite.dashboard import (
    Bar,
    BarList,
    CardContent,
    DashboardCard,
    Figure,
    compare,
    counted,
    register_card,
)
from adminsite.formatting import changelist_url
from adminsite.periods import Period, period_of
from figures.admin.links import activities_url
from figures.counts import Sum, sums_of
from figures.models import Count

_SHOWN = 8


def _activities(request: HttpRequest) -> CardContent:
    period = period_of(request)
    sums = sums_of(Count.Kind.TYPE, period)
    types = {str(one.pk): one for one in ActivityType.objects.only("name", "goal")}
    goals = {key: sums.get(key, Sum(0, 0)) for key, one in types.items() if one.goal}
    conversions = _total(goals.values())
    return CardContent(
        figures=[_figure(_total(sums.values()), period), _conversions(conversions, goals, period)],
        lists=[
            _list("Conversions", goals, types, period, _NO_GOAL if not goals else _NO_CONVERSION),
            _list("Activities by type", sums, types, period, "Nothing happened in this period."),
        ],
        said=counted(conversions.now, "conversion", "conversions") if goals else "",
    )


_NO_GOAL = "Mark an activity type as a goal, on its page, and each activity of it is a conversion."
_NO_CONVERSION = "No activity of a type that is a goal in this period."


def _figure(total: Sum, period: Period) -> Figure:
    return Figure(
        name="Activities",
        icon="timeline",
        value=f"{total.now:,}",
        note="Page visits, clicks and all else",
        url=activities_url(period),
        change=compare(total.now, total.before, period),
    )


def _conversions(total: Sum, goals: Mapping[str, Sum], period: Period) -> Figure:
    # Of several goals there is one list each; the bars lead there.
    url = activities_url(period, type__id__exact=next(iter(goals))) if len(goals) == 1 else ""
    note = counted(len(goals), "activity type is a goal", "activity types are goals")
    return Figure(
        name="Conversions",
        icon="flag",
        value=f"{total.now:,}",
        note=note if goals else "No activity type is a goal yet",
        url=url or (activities_url(period, goal=1) if goals else changelist_url(ActivityType)),
        change=compare(total.now, total.before, period),
    )


def _list(
    title: str,
    sums: Mapping[str, Sum],
    types: Mapping[str, ActivityType],
    period: Period,
    empty: str,
) -> BarList:
    most = sorted(sums.items(), key=lambda one: -one[1].now)[:_SHOWN]
    bars = [
        Bar(
            name=types[key].name if key in types else "Deleted type",
            count=sum.now,
            url=activities_url(period, type__id__exact=key) if key in types else "",
            change=compare(sum.now, sum.before, period),
        )
        for key, sum in most
        if sum.now or sum.before
    ]
    return BarList(title, bars, empty)


def _total(sums: Iterable[Sum]) -> Sum:
    found = list(sums)
    return Sum(sum(one.now for one in found), sum(one.before for one in found))


register_card(DashboardCard(position=20, may_see=may_see_activities, build=_activities))
