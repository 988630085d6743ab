"""What the dashboard says about contact groups: which grew."""

from urllib.parse import urlencode

from django.http import HttpRequest

from adminsite.dashboard import (
    Bar,
    BarList,
    CardContent,
    Change,
    DashboardCard,
    compare,
    register_card,
)
from adminsite.formatting import change_url, changelist_url
from adminsite.periods import Period, period_of
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from figures.counts import Sum, sums_of
from figures.models import Count
from groups.admin.permissions import may_see_groups
from groups.models import ContactGroup

_SHOWN = 8
_NOTHING = Sum(0, 0)
_EMPTY = "No group has more members than at the beginning of this period."


def _groups(request: HttpRequest) -> CardContent:
    period = period_of(request)
    entered, left = sums_of(Count.Kind.ENTERED, period), sums_of(Count.Kind.LEFT, period)
    grown = {key: _difference(key, entered, left) for key in entered}
    most = sorted(grown.items(), key=lambda one: -one[1].now)[:_SHOWN]
    most = [(key, sum) for key, sum in most if sum.now > 0]
    groups = ContactGroup.objects.in_bulk([int(key) for key, _ in most])
    names_contacts = may_see_contacts(request.user)
    bars = [
        Bar(
            name=group.name,
            count=sum.now,
            text=f"+{sum.now:,}",
            url=_url(group, names_contacts=names_contacts),
            change=_compare(sum, period),
        )
        for key, sum in most
        if (group := groups.get(int(key)))
    ]
    note = "How many more came in than left." if bars else ""
    return CardContent(lists=[BarList("Groups that grew", bars, _EMPTY, note)])


def _url(group: ContactGroup, *, names_contacts: bool) -> str:
    if not names_contacts:
        return change_url(group)
    return changelist_url(Contact, urlencode({"group": group.code_name}))


def _difference(key: str, entered: dict[str, Sum], left: dict[str, Sum]) -> Sum:
    came, went = entered.get(key, _NOTHING), left.get(key, _NOTHING)
    return Sum(came.now - went.now, came.before - went.before)


def _compare(sum: Sum, period: Period) -> Change:
    if sum.before < 0:
        return Change("after fewer", f"{-sum.before:,} fewer in {period.before_name}", "good")
    return compare(sum.now, sum.before, period)


register_card(DashboardCard(position=40, may_see=may_see_groups, build=_groups))
