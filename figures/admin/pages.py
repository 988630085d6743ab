"""What the dashboard says about pages, and about where their visitors come from."""

from collections.abc import Mapping

from django.http import HttpRequest

from adminsite.dashboard import (
    Bar,
    BarList,
    CardContent,
    DashboardCard,
    compare,
    register_card,
)
from adminsite.periods import Period, period_of
from figures.admin.links import activities_url
from figures.admin.permissions import may_see_pages
from figures.counts import Sum, sums_of
from figures.models import Count

Kind = Count.Kind

_SHOWN = 8
_OTHERS = "Of others, which come too seldom to have a line, there were {:,}."


def _pages(request: HttpRequest) -> CardContent:
    period = period_of(request)
    pages = sums_of(Kind.PAGE, period)
    own = {page.partition("/")[0] for page in pages}
    # From one of our websites to another is no source.
    referrers = {
        host: sum for host, sum in sums_of(Kind.REFERRER, period).items() if host not in own - {""}
    }
    return CardContent(
        lists=[
            _list(
                "Top pages",
                "page",
                pages,
                period,
                "No page visits in this period. Websites and apps report them.",
            ),
            _list(
                "Sources: other websites",
                "referrer",
                referrers,
                period,
                "No visit came from another website in this period, as far as browsers told.",
            ),
            _list(
                "Sources: campaigns",
                "campaign",
                sums_of(Kind.CAMPAIGN, period),
                period,
                "Add utm_source and utm_campaign to the links of a campaign, and it is here.",
            ),
        ]
    )


def _list(
    title: str, parameter: str, sums: Mapping[str, Sum], period: Period, empty: str
) -> BarList:
    named = [(key, sum) for key, sum in sums.items() if key and sum.now]
    bars = [
        Bar(
            name=key,
            count=sum.now,
            url=activities_url(period, **{parameter: key}),
            change=compare(sum.now, sum.before, period),
        )
        for key, sum in sorted(named, key=lambda one: (-one[1].now, one[0]))[:_SHOWN]
    ]
    others = sums.get("", Sum(0, 0)).now
    return BarList(title, bars, empty, _OTHERS.format(others) if others else "")


register_card(DashboardCard(position=30, may_see=may_see_pages, build=_pages))
